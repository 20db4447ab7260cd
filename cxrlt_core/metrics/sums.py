"""What is a sum over images: F1 at a threshold, log-likelihood, Brier score, expected calibration error.

Each label contributes a few terms; a resample weighs and adds them, so all resamples are one matrix product.
"""

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.metrics.calibration import log_loss

BINS = 15  # of equal width, as Guo et al. 2017
HALF = 0.5  # threshold of the challenge's F1
SINGLE = 9  # terms that are one number; then the bins of both errors of calibration
TERMS = SINGLE + 2 * BINS


def label_terms(
    targets: np.ndarray, scores: np.ndarray, scaled: np.ndarray, thresholds: np.ndarray | float
) -> np.ndarray:
    """Terms of every label; those of an unknown label are 0.

    Args:
        targets: int (N,) or (N, C).
        scores: probabilities, of the same shape.
        scaled: the same after temperature scaling.
        thresholds: one, or float (C,).

    Returns:
        float64 (N, terms) or (N, C, terms): known, positive, called positive at the threshold, both, called
        at 0.5, both, squared error, log loss, that of the scaled ones; then score - target in the bin of the
        score, and of the scaled score.
    """
    known, positive = targets != UNKNOWN, targets == POSITIVE
    scores, scaled = (np.where(known, s, HALF).astype(np.float64) for s in (scores, scaled))
    called, at_half = known & (scores >= thresholds), known & (scores >= HALF)
    hits = (called, called & positive, at_half, at_half & positive)
    losses = (known * term for term in (log_loss(positive, scores), log_loss(positive, scaled)))
    terms = np.zeros((*targets.shape, TERMS))
    for number, term in enumerate((known, positive, *hits, known * (scores - positive) ** 2, *losses)):
        terms[..., number] = term
    for start, one in ((SINGLE, scores), (SINGLE + BINS, scaled)):
        place = start + np.clip((one * BINS).astype(np.int64), 0, BINS - 1)
        np.put_along_axis(terms, place[..., None], (known * (one - positive))[..., None], axis=-1)
    return terms


def from_sums(sums: Tensor) -> dict[str, Tensor]:
    """The metrics from sums of :func:`label_terms`.

    F1 = 2 TP / (called + positives). NLL is the mean log loss. ECE = Σ over bins of |Σ (score - target)| /
    known: the gap between mean score and share of positives, weighted by the bin (Guo et al. 2017, for one
    class against the rest).

    Args:
        sums: float64 (…, C, terms).

    Returns:
        Each metric (…, C).
    """
    known, positive, called, both, at_half, both_half, squared, loss, scaled = sums[..., :SINGLE].unbind(-1)
    bins = sums[..., SINGLE:].unflatten(-1, (2, BINS)).abs().sum(-1)
    return {
        "F1": 2 * both / (called + positive),
        "F1_half": 2 * both_half / (at_half + positive),
        "NLL": loss / known,
        "NLL_scaled": scaled / known,
        "ECE": bins[..., 0] / known,
        "ECE_scaled": bins[..., 1] / known,
        "Brier": squared / known,
    }


def add_by(group: np.ndarray, groups: int, values: np.ndarray) -> Tensor:
    """Add up the rows of each group; (N, …) to (G, …)."""
    out = torch.zeros((groups, *values.shape[1:]), dtype=torch.float64)
    return out.index_add_(0, torch.from_numpy(group), torch.from_numpy(values))
