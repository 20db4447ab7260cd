"""The resampled patients of a set: the same wherever it is scored."""

from cxrlt_core.metrics.bootstrap import Draws, patient_draws
from cxrlt_core.params.schema import Params
from stages.artifacts.sets import LabelledSet


def draw_patients(params: Params, data: LabelledSet) -> Draws:
    """Resample the patients of a set."""
    settings = params.bootstrap
    return patient_draws(data.table["patient_id"], settings.resamples, settings.seed)
