"""Ensembles to be used: ensembles/<row>/<seed>/ensemble.json names members and says how they are combined."""

import json
import os
from collections.abc import Sequence

import numpy as np

from cxrlt_core.params.schema import Params
from cxrlt_core.serving.ensemble_folder import EnsembleConfig, Member, write_ensemble
from cxrlt_core.serving.operating_point import OperatingPoint
from cxrlt_core.system.files import read_parquet_metadata
from stages.artifacts.paths import ensemble_folder, model_folder, tta_path


def write_ensembles(
    params: Params,
    row: str,
    models: Sequence[str],
    classes: Sequence[str],
    weights: Sequence[np.ndarray],
    thresholds: Sequence[np.ndarray],
    temperatures: Sequence[float],
) -> None:
    """Write the folders of a row of Table 2, one a training seed.

    Args:
        params: of the study.
        row: its name.
        models: its M members.
        classes: the label space.
        weights: of each seed, (M, C).
        thresholds: of each seed, (C,).
        temperatures: of each seed.
    """
    for number, seed in enumerate(params.train.seeds):
        folder = ensemble_folder(row, seed)
        point = OperatingPoint(thresholds[number], temperatures[number])
        config = EnsembleConfig(
            classes=list(classes),
            members=[
                Member(os.path.relpath(model_folder(name, seed), folder), predicted_by(name, seed))
                for name in models
            ],
            weights=dict(zip(classes, weights[number].T.tolist(), strict=True)),
            calibration=point.to_json(classes),
            tta=params.tta.model_dump(),
            aggregate=params.study.aggregate,
        )
        write_ensemble(folder, config)


def predicted_by(variant: str, seed: int) -> dict[str, str]:
    """Return which model made the test predictions that the ensemble is scored by: its files' SHA-256."""
    return json.loads(read_parquet_metadata(tta_path(variant, seed, "test"))["model"])
