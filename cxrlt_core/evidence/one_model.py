"""One trained model on the development set: what a model card tells of its classes."""

from collections.abc import Mapping, Sequence

import numpy as np

from cxrlt_core.evidence.scoring import describe_classes, with_intervals
from cxrlt_core.evidence.training_noise import PooledNoise
from cxrlt_core.evidence.trainings import score_rows
from cxrlt_core.metrics.bootstrap import patient_draws
from cxrlt_core.params.schema import Bootstrap


def class_scores(
    targets: np.ndarray,
    probabilities: np.ndarray,
    patients: Sequence[str],
    groups: Mapping[str, str],
    settings: Bootstrap,
) -> dict[str, dict]:
    """Score a model as a row of Table 1 with one seed: its intervals are of the patients alone.

    Args:
        targets: int (N, C), -1 unknown.
        probabilities: float (N, C).
        patients: of each image, (N,).
        groups: each of the C classes, in order, to head, medium or tail.
        settings: how patients are resampled.

    Returns:
        Class to its metrics, ``AP`` with ``AP_low`` and ``AP_high``, and its counts.
    """
    draws, row = patient_draws(patients, settings.resamples, settings.seed), {"model": ("model", False)}
    classes = describe_classes(targets, draws, list(groups), groups, least=0)
    scores = score_rows(targets, row, lambda *_: [probabilities], classes, draws, patients)
    return with_intervals(scores, "model", PooledNoise(row, {}), settings.level)
