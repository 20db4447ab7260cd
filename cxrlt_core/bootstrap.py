"""Patient-level bootstrap: every row of a table is scored on the same resampled patients.

Images of one patient are not independent, so patients are drawn, with replacement, and each
brings all its images (cluster bootstrap, Efron and Tibshirani 1993).
"""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.metrics import rank, weighted_metrics


def patient_draws(patients: Sequence[str], resamples: int, seed: int) -> np.ndarray:
    """Draw patients with replacement.

    Args:
        patients: patient of each image, (N,).
        resamples: number of resamples B.
        seed: of the draws.

    Returns:
        How often each image counts in each resample; uint8 (N, B).
    """
    names, patient_of_image = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    generator = np.random.default_rng(seed)
    counts = np.empty((len(names), resamples), np.uint8)
    for b in range(resamples):
        drawn = generator.integers(len(names), size=len(names))
        counts[:, b] = np.bincount(drawn, minlength=len(names))
    return counts[patient_of_image]


def bootstrap_metrics(
    targets: np.ndarray, scores: np.ndarray, draws: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and AUROC of every class in every resample.

    Args:
        targets: int (N, C), -1 unknown.
        scores: float (N, C).
        draws: from :func:`patient_draws`, (N, B).

    Returns:
        AP and AUROC, float64 (B, C) each, NaN where a resample leaves a class undefined.
    """
    columns = [weighted_metrics(rank(targets[:, c], scores[:, c]), draws) for c in range(targets.shape[1])]
    return np.stack([ap for ap, _ in columns], 1), np.stack([auc for _, auc in columns], 1)


def mean_over_classes(samples: np.ndarray) -> np.ndarray:
    """Mean over classes in each resample, leaving out the undefined ones; (B, C) to (B,)."""
    defined = np.isfinite(samples)
    with np.errstate(invalid="ignore"):
        return np.where(defined, samples, 0.0).sum(axis=1) / defined.sum(axis=1)


def interval(samples: np.ndarray, point: float, level: float) -> tuple[float, float]:
    """Percentile interval, centred on the estimate.

    A resample holds some positives twice, and average precision rewards that: with few positives
    the resamples lie above the estimate as a whole. Their spread is what is wanted, so their mean is
    moved to the estimate before the percentiles are taken.

    Args:
        samples: (B,), NaN where a resample is undefined.
        point: the estimate.
        level: coverage, 0 to 1.

    Returns:
        Low and high; NaN when no sample is defined, or all are equal.
    """
    samples = samples[np.isfinite(samples)]
    if len(samples) == 0 or np.ptp(samples) == 0:
        return float("nan"), float("nan")
    tail = (1 - level) / 2
    low, high = np.quantile(samples - samples.mean() + point, [tail, 1 - tail])
    return float(low), float(high)
