"""The ensembles of Table 2: their members, and the predictions and the usable folder of each training seed.

The ensemble.json of ensembles/<row>/<seed>/ names the members and says how they are combined.
"""

import json
import os
from collections.abc import Sequence

import numpy as np
import torch

from cxrlt_core.evidence.ensembles import Members, ScoredEnsemble
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.metrics.bootstrap import PatientResamples
from cxrlt_core.params.schema import Params
from cxrlt_core.serving.ensemble_folder import EnsembleConfig, Member, write_ensemble
from cxrlt_core.study.variants import members as members_of
from cxrlt_core.system.files import read_parquet_metadata
from stages.artifacts.paths import ensemble_folder, ensemble_path, model_folder, tta_path
from stages.artifacts.predictions import read_models, write_predictions
from stages.artifacts.scoring import draw_patients
from stages.artifacts.sets import LabelledSet


def write_row(
    params: Params,
    row: str,
    models: Sequence[str],
    data: LabelledSet,
    weights: Sequence[np.ndarray],
    scored: ScoredEnsemble,
) -> None:
    """Write the predictions and the folder of a row of Table 2 for each training seed.

    Args:
        params: of the study.
        row: its name.
        models: its M members.
        data: test set.
        weights: of each seed, (M, C).
        scored: the row on the test set.
    """
    by_seed = zip(params.train.seeds, weights, scored.predictions, scored.fits, strict=True)
    for seed, seed_weights, probabilities, fit in by_seed:
        write_predictions(ensemble_path(row, seed), data, probabilities)
        folder = ensemble_folder(row, seed)
        config = EnsembleConfig(
            classes=list(data.classes),
            members=[
                Member(os.path.relpath(model_folder(name, seed), folder), predicted_by(name, seed))
                for name in models
            ],
            weights=dict(zip(data.classes, seed_weights.T.tolist(), strict=True)),
            calibration=fit.to_json(data.classes),
            tta=params.tta.model_dump(),
            aggregate=params.study.aggregate,
        )
        write_ensemble(folder, config)


def predicted_by(variant: str, seed: int) -> dict[str, str]:
    """Return which model made the test predictions that the ensemble is scored by: its files' SHA-256."""
    return json.loads(read_parquet_metadata(tta_path(variant, seed, "test"))["model"])


def read_members(
    params: Params, dev: LabelledSet, test: LabelledSet, resamples: PatientResamples, device: torch.device
) -> Members:
    """Read the predictions of all members, and score them on resampled development patients.

    Args:
        params: of the study.
        dev: development set, which chooses.
        test: test set, which is predicted.
        resamples: resampled test patients.
        device: to compute on.
    """
    names, seeds, rule = members_of(params), params.train.seeds, params.study.aggregate
    on_dev = (read_models(names, dev, seed, rule) for seed in seeds)
    dev_resamples = draw_patients(params, dev)
    choices = [Choice.of(dev.targets, one, dev_resamples, params.ensemble, device) for one in on_dev]
    on_test = [read_models(names, test, seed, rule) for seed in seeds]
    return Members(choices, on_test, test.targets, resamples, device)
