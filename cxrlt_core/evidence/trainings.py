"""Score the rows of a table that are one training each, and tell how much trainings vary."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from cxrlt_core.evidence.scoring import EvaluationSet, Score, score_row
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.metrics.calibration import calibrate_on_itself
from cxrlt_core.metrics.scores import average_precision

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
    return PooledSeedVariance(rows, data.classes.means(np.array(ap)))
