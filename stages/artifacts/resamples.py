"""The resampled patients of a set: the same wherever it is scored."""

from cxrlt_core.metrics.bootstrap import PatientResamples, resample_patients
from cxrlt_core.params.schema import Params
from stages.artifacts.sets import LabelledSet


def draw_patients(params: Params, data: LabelledSet) -> PatientResamples:
    """Resample the patients of a set."""
    settings = params.bootstrap
    return resample_patients(data.table["patient_id"], settings.resamples, settings.seed)
