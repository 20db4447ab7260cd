"""Made label sets, and metrics of one class by scikit-learn, a resample by repeated rows."""

import numpy as np
from scipy.special import expit, logit
from sklearn.metrics import average_precision_score, brier_score_loss, f1_score, log_loss, roc_auc_score

#: Metrics of a class that have a like here.
NAMES = ("AP", "AUROC", "F1", "F1_half", "NLL", "NLL_scaled", "ECE", "ECE_scaled", "Brier")


def random_set(seed: int, decimals: int, n: int = 300, classes: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Targets with unknown labels and scores with ties, the fewer decimals the more."""
    generator = np.random.default_rng(seed)
    targets = (generator.random((n, classes)) < np.linspace(0.02, 0.7, classes)).astype(np.int8)
    scores = generator.random((n, classes)) * 0.7 + 0.3 * targets
    targets[generator.random(targets.shape) < 0.2] = -1
    return targets, np.round(scores, decimals)


def ap_auroc(targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> tuple:
    """AP and AUROC of the known labels; NaN where there are no positives or no negatives."""
    weights = np.ones(len(targets)) if weights is None else weights
    keep = (targets != -1) & (weights > 0)
    if len(np.unique(targets[keep])) < 2:
        return np.nan, np.nan
    arguments = (targets[keep], scores[keep])
    return (
        average_precision_score(*arguments, sample_weight=weights[keep]),
        roc_auc_score(*arguments, sample_weight=weights[keep]),
    )


def all_metrics(
    targets: np.ndarray, scores: np.ndarray, threshold: float, temperature: float | np.ndarray
) -> dict[str, float]:
    """Every metric of the known labels; all NaN where there are no positives or no negatives."""
    known = targets != -1
    t, s = targets[known], scores[known].astype(np.float64)
    ap, auroc = ap_auroc(t, s)
    if np.isnan(ap):
        return dict.fromkeys(NAMES, np.nan)
    clipped = np.clip(s, 1e-7, 1 - 1e-7)
    scaled = expit(logit(clipped) / np.broadcast_to(temperature, len(targets))[known])
    f1 = np.nan if np.isnan(threshold) else f1_score(t, s >= threshold)
    losses = (log_loss(t, np.clip(one, 1e-7, 1 - 1e-7)) for one in (s, scaled))
    found = (ap, auroc, f1, f1_score(t, s >= 0.5), *losses, ece(t, s), ece(t, scaled), brier_score_loss(t, s))
    return dict(zip(NAMES, found, strict=True))


def ece(targets: np.ndarray, scores: np.ndarray, bins: int = 15) -> float:
    """Gap between mean score and share of positives in bins of equal width, by their share of the labels."""
    found = 0.0
    for b in range(bins):
        high = scores < (b + 1) / bins if b < bins - 1 else True
        inside = (scores >= b / bins) & high
        if inside.any():
            found += abs(scores[inside].mean() - targets[inside].mean()) * inside.mean()
    return found
