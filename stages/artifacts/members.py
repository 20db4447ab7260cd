"""The members of the ensembles, read from their predictions."""

import torch

from cxrlt_core.designs.ensemble import Choice
from cxrlt_core.evidence.ensembles import Members
from cxrlt_core.metrics.bootstrap import PatientResamples
from cxrlt_core.params.schema import Params
from stages.artifacts.predictions import read_models
from stages.artifacts.resamples import draw_patients
from stages.artifacts.sets import LabelledSet


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
    names, seeds, rule = params.members, params.train.seeds, params.study.aggregate
    on_dev = (read_models(names, dev, seed, rule) for seed in seeds)
    dev_resamples = draw_patients(params, dev)
    choices = [Choice.of(dev.targets, one, dev_resamples, params.ensemble, device) for one in on_dev]
    on_test = [read_models(names, test, seed, rule) for seed in seeds]
    return Members(choices, on_test, test.targets, resamples, device)
