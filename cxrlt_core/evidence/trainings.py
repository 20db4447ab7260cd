"""Score the rows of a table that are one training each, and tell how noisy trainings are."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from cxrlt_core.evidence.scoring import Classes, Score, score_row
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.metrics.bootstrap import PatientResamples
from cxrlt_core.metrics.calibration import calibrate_on_itself
from cxrlt_core.metrics.scores import CPU, average_precision

#: Predictions of a training, with TTA or without, (N, C) for each seed.
Read = Callable[[str, bool], Sequence[np.ndarray]]


def score_rows(
    targets: np.ndarray,
    rows: Mapping[str, tuple[str, bool]],
    read: Read,
    classes: Classes,
    resamples: PatientResamples,
    patients: Sequence[str],
    device: torch.device = CPU,
) -> dict[str, Score]:
    """Score rows, all on the same resampled patients; thresholds and temperature are fitted on these data.

    Args:
        targets: int (N, C), -1 unknown.
        rows: row to its training and whether it has TTA.
        read: gives the predictions.
        classes: of the C columns.
        resamples: resampled patients.
        patients: of each image, (N,).
        device: to compute on.
    """
    scores = {}
    for name, (training, tta) in rows.items():
        predictions = read(training, tta)
        fits = [calibrate_on_itself(targets, one, patients) for one in predictions]
        scores[name] = score_row(targets, predictions, fits, classes, resamples, device)
    return scores


def pooled_seed_variance(
    targets: np.ndarray,
    rows: Mapping[str, tuple[str, bool]],
    trainings: Sequence[str],
    read: Read,
    classes: Classes,
) -> PooledSeedVariance:
    """Score every training with each seed, without TTA and with it.

    Args:
        targets: int (N, C), -1 unknown.
        rows: row to its training and whether it has TTA.
        trainings: whose noise is pooled.
        read: gives the predictions.
        classes: of the C columns.
    """
    ap = [
        [[average_precision(targets, one) for one in read(name, tta)] for name in trainings]
        for tta in (False, True)
    ]
    return PooledSeedVariance(rows, classes.means(np.array(ap)))
