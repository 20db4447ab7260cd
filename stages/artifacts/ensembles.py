"""The rows of Table 2, a training seed each: what they predict, and ensembles/<row>/<seed>/, to be used.

A folder's ensemble.json names the members and says how they are combined.
"""

import os
from collections.abc import Sequence

from cxrlt_core.evidence.ensembles import Members, ScoredEnsemble
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.evidence.scoring import EvaluationSet
from cxrlt_core.params.schema import Params
from cxrlt_core.serving.ensemble_folder import EnsembleConfig, Member, write_ensemble
from cxrlt_core.study.variants import all_members
from stages.artifacts.paths import ensemble_folder, ensemble_path, model_folder
from stages.artifacts.predictions import read_models, write_predictions
from stages.artifacts.scoring import draw_patients
from stages.artifacts.sets import LabelledSet
from stages.artifacts.trained import trained_marks


def write_row(
    params: Params, row: str, models: Sequence[str], data: LabelledSet, scored: ScoredEnsemble
) -> None:
    """Write the predictions on the test set, and the folder, of a row of Table 2 for each training seed."""
    seeds = zip(params.train.seeds, scored.weights, scored.predictions, scored.fits, strict=True)
    for seed, weights, probabilities, fit in seeds:
        write_predictions(ensemble_path(row, seed), data, probabilities)
        folder = ensemble_folder(row, seed)
        config = EnsembleConfig(
            classes=list(data.classes),
            members=[
                Member(os.path.relpath(model_folder(name, seed), folder), trained_marks(name, seed))
                for name in models
            ],
            weights=dict(zip(data.classes, weights.T.tolist(), strict=True)),
            calibration=fit.to_json(data.classes),
            tta=params.tta.model_dump(),
            aggregate=params.study.aggregate,
        )
        write_ensemble(folder, config)


def read_members(params: Params, dev: LabelledSet, test: LabelledSet, scored_on: EvaluationSet) -> Members:
    """Read the predictions of all members of any row, and score them on resampled development patients.

    ``dev`` chooses; ``test`` is predicted and scored on ``scored_on``.
    """
    names, seeds, rule = all_members(params), params.train.seeds, params.study.aggregate
    on_dev = (read_models(names, dev, seed, rule) for seed in seeds)
    resamples, device = draw_patients(params, dev), scored_on.device
    choices = [Choice.of(dev.targets, models, resamples, params.ensemble, device) for models in on_dev]
    on_test = [read_models(names, test, seed, rule) for seed in seeds]
    return Members(names, seeds, choices, on_test, scored_on)
