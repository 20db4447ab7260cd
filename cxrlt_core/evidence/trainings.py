"""Rows that are one training each: their scores, how much trainings vary, and a trained model by itself."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import EvaluationSet, Score, count_classes, score_row
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.calibration import calibrate_on_itself
from cxrlt_core.metrics.scores import average_precision
from cxrlt_core.params.schema import Bootstrap

#: Predictions of a training, with TTA or without, (N, C) for each seed.
Read = Callable[[str, bool], Sequence[np.ndarray]]


def score_rows(
    data: EvaluationSet, rows: Mapping[str, tuple[str, bool]], read: Read, patients: Sequence[str]
) -> dict[str, Score]:
    """Score rows, all on the same resampled patients; thresholds and temperature are fitted on these data.

    ``rows`` names the training of each row and whether it has TTA, ``patients`` the patient of each image,
    (N,).
    """
    scores = {}
    for name, (training, tta) in rows.items():
        predictions = read(training, tta)
        fits = [calibrate_on_itself(data.targets, table, patients) for table in predictions]
        scores[name] = score_row(data, predictions, fits)
    return scores


def pooled_seed_variance(
    data: EvaluationSet, rows: Mapping[str, tuple[str, bool]], trainings: Sequence[str], read: Read
) -> PooledSeedVariance:
    """Score the trainings, whose variance is pooled, with each seed, without TTA and with it."""
    ap = [
        [[average_precision(data.targets, scores) for scores in read(name, tta)] for name in trainings]
        for tta in (False, True)
    ]
    return PooledSeedVariance(rows, trainings, data.classes.means(np.array(ap)))


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
    return ScoredTable(scores, PooledSeedVariance(row, [], {}), settings.level).class_scores("model")
