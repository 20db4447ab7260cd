"""What is a sum over images: F1 at a threshold, Brier score, expected calibration error.

Each label contributes a few terms; a resample weighs and adds them, so all resamples are one matrix product.
"""

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.labels import POSITIVE, UNKNOWN

BINS = 15  # of equal width, as Guo et al. 2017
TERMS = 5 + BINS


def best_thresholds(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The threshold of each class with the highest F1; a score at or above it counts as positive.

    Args:
        targets: of development images; 1, 0 or -1; int (N, C).
        scores: float (N, C).

    Returns:
        float64 (C,); the highest of several that are equal; NaN without a known positive.
    """
    return np.array([_best(t, s) for t, s in zip(targets.T, scores.T, strict=True)])


def _best(targets: np.ndarray, scores: np.ndarray) -> float:
    known = targets != UNKNOWN
    order = np.argsort(-scores[known], kind="stable")
    falling, positive = scores[known][order], (targets[known] == POSITIVE)[order]
    if not positive.any():
        return float("nan")
    last = np.append(falling[1:] != falling[:-1], True)  # a threshold takes equal scores together
    f1 = 2 * positive.cumsum() / (np.arange(1, len(order) + 1) + positive.sum())
    return float(falling[last][np.argmax(f1[last])])


def label_terms(targets: np.ndarray, scores: np.ndarray, thresholds: np.ndarray | float) -> np.ndarray:
    """Terms of every label; those of an unknown label are 0.

    Args:
        targets: int (N,) or (N, C).
        scores: probabilities, of the same shape.
        thresholds: one, or float (C,).

    Returns:
        float64 (N, 5 + bins) or (N, C, 5 + bins): known, positive, called positive, both, squared error, then
        score - target in the bin of the score.
    """
    known, positive = targets != UNKNOWN, targets == POSITIVE
    scores = np.where(known, scores, 0.0).astype(np.float64)
    called = known & (scores >= thresholds)
    error = scores - positive
    terms = np.zeros((*targets.shape, TERMS))
    for number, term in enumerate((known, positive, called, called & positive, error**2)):
        terms[..., number] = term
    place = 5 + np.clip((scores * BINS).astype(np.int64), 0, BINS - 1)
    np.put_along_axis(terms, place[..., None], error[..., None], axis=-1)
    return terms


def from_sums(sums: Tensor) -> dict[str, Tensor]:
    """F1, Brier and ECE from sums of :func:`label_terms`.

    F1 = 2 TP / (called + positives). ECE = Σ over bins of |Σ (score - target)| / known: the gap between
    mean score and share of positives, weighted by the bin (Guo et al. 2017, for one class against the rest).

    Args:
        sums: float64 (…, C, 5 + bins).

    Returns:
        Each metric (…, C).
    """
    known, positive, called, both, squared = sums[..., :5].unbind(-1)
    return {
        "F1": 2 * both / (called + positive),
        "Brier": squared / known,
        "ECE": sums[..., 5:].abs().sum(-1) / known,
    }


def add_by(group: np.ndarray, groups: int, values: np.ndarray) -> Tensor:
    """Add up the rows of each group; (N, …) to (G, …)."""
    out = torch.zeros((groups, *values.shape[1:]), dtype=torch.float64)
    return out.index_add_(0, torch.from_numpy(group), torch.from_numpy(values))
