"""The resampled patients of a set: the same wherever it is scored."""

import torch

from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.metrics.bootstrap import PatientResamples, resample_patients
from cxrlt_core.params.schema import Params
from stages.artifacts.sets import LabelledSet, read_groups


def draw_patients(params: Params, data: LabelledSet) -> PatientResamples:
    """Resample the patients of a set."""
    settings = params.bootstrap
    return resample_patients(data.table["patient_id"], settings.resamples, settings.seed)


def evaluation_set(params: Params, data: LabelledSet, device: torch.device) -> EvaluationSet:
    """Return a set as rows are scored on it."""
    resamples = draw_patients(params, data)
    least = params.evidence.min_positives
    classes = count_classes(data.targets, resamples, data.classes, read_groups(), least)
    return EvaluationSet(data.targets, classes, resamples, device)
