"""What is a sum over images: F1 at a threshold, log-likelihood, Brier score, expected calibration error.

Each label contributes a few terms, which are added up patient by patient; a resample weighs the patients,
so all resamples are one matrix product.
"""

import numpy as np
from torch import Tensor

from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.metrics.calibration import log_loss

BINS = 15  # of equal width, as Guo et al. 2017
HALF = 0.5  # threshold of the challenge's F1
SINGLE = 9  # terms that are one number; then the bins of both errors of calibration
TERMS = SINGLE + 2 * BINS


def add_terms(
    targets: np.ndarray,
    scores: np.ndarray,
    scaled: np.ndarray,
    threshold: float,
    patient: np.ndarray,
    patients: int,
) -> np.ndarray:
    """Add up the terms of a class's known labels, patient by patient.

    Args:
        targets: int (N,).
        scores: probabilities, (N,).
        scaled: the same after temperature scaling.
        threshold: of F1.
        patient: of each image, int (N,).
        patients: their number P.

    Returns:
        float64 (P, terms): known, positive, called positive at the threshold, both, called at 0.5, both,
        squared error, log loss, that of the scaled ones; then score - target in the bin of the score, and
        of the scaled score.
    """
    known = targets != UNKNOWN
    patient, positive = patient[known], targets[known] == POSITIVE
    scores, scaled = (one[known].astype(np.float64) for one in (scores, scaled))
    called, at_half = scores >= threshold, scores >= HALF
    hits = (called, called & positive, at_half, at_half & positive)
    losses = ((scores - positive) ** 2, log_loss(positive, scores), log_loss(positive, scaled))
    terms = np.empty((patients, TERMS))
    for number, term in enumerate((None, positive, *hits, *losses)):
        terms[:, number] = np.bincount(patient, term, patients)
    for start, one in ((SINGLE, scores), (SINGLE + BINS, scaled)):
        place = patient * BINS + np.clip((one * BINS).astype(np.int64), 0, BINS - 1)
        sums = np.bincount(place, one - positive, patients * BINS)
        terms[:, start : start + BINS] = sums.reshape(patients, BINS)
    return terms


def from_sums(sums: Tensor) -> dict[str, Tensor]:
    """The metrics from sums of :func:`add_terms`.

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
