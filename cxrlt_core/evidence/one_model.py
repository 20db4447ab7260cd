"""One trained model on the development set: what a model card tells of its classes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.evidence.trainings import score_rows
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.params.schema import Bootstrap


def class_scores(
    targets: np.ndarray,
    probabilities: np.ndarray,
    patients: Sequence[str],
    groups: Mapping[str, str],
    settings: Bootstrap,
) -> dict[str, dict[str, Any]]:
    """Score a model as a row of Table 1 with one seed: its intervals are of the patients alone.

    Takes int ``targets`` (N, C), -1 unknown; float ``probabilities`` (N, C); the patient of each image, (N,);
    and each of the C classes, in order, to head, medium or tail. Returns class to its metrics, ``AP`` with
    ``AP_low`` and ``AP_high``, and its counts.
    """
    row = {"model": ("model", False)}
    resamples = resample_patients(patients, settings.resamples, settings.seed)
    data = EvaluationSet(targets, count_classes(targets, resamples, list(groups), groups, least=0), resamples)
    scores = score_rows(data, row, lambda *_: [probabilities], patients)
    return ScoredTable(scores, PooledSeedVariance(row, {}), settings.level).class_scores("model")
