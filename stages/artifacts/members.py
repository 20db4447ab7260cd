"""The members of the ensembles, read from their predictions."""

from cxrlt_core.designs.ensemble import Choice
from cxrlt_core.evidence.ensembles import Members
from cxrlt_core.evidence.scoring import EvaluationSet
from cxrlt_core.params.schema import Params
from stages.artifacts.predictions import read_models
from stages.artifacts.resamples import draw_patients
from stages.artifacts.sets import LabelledSet


def read_members(params: Params, dev: LabelledSet, test: LabelledSet, scored_on: EvaluationSet) -> Members:
    """Read the predictions of all members, and score them on resampled development patients.

    Args:
        params: of the study.
        dev: development set, which chooses.
        test: test set, which is predicted.
        scored_on: the test set, as it is scored on.
    """
    names, seeds, rule = params.members, params.train.seeds, params.study.aggregate
    on_dev = (read_models(names, dev, seed, rule) for seed in seeds)
    resamples, device = draw_patients(params, dev), scored_on.device
    choices = [Choice.of(dev.targets, models, resamples, params.ensemble, device) for models in on_dev]
    on_test = [read_models(names, test, seed, rule) for seed in seeds]
    return Members(names, seeds, choices, on_test, scored_on)
