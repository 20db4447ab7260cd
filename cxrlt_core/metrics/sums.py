"""Sums over images: each label adds a few terms to those of its patient.

A resample weighs the patients, so all resamples of all classes are one matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

BINS = 15  # of equal width, as Guo et al. 2017


@dataclass(frozen=True)
class Labels:
    """The known labels of a class, and what a model says of them."""

    positive: np.ndarray  # bool (K,)
    scores: np.ndarray  # probabilities, float64 (K,)
    scaled: np.ndarray  # the same after temperature scaling
    threshold: float  # the tuned one; NaN where there is none


class Term(NamedTuple):
    """What each label adds, (K,): to one sum, or to that of its bin, int (K,), whose sizes are added up."""

    values: np.ndarray
    bins: np.ndarray | None = None

    @property
    def width(self) -> int:
        """Number of its sums."""
        return 1 if self.bins is None else BINS


def bin_of(scores: np.ndarray) -> np.ndarray:
    """Return the bin of each probability, int64 of the same shape."""
    return np.clip((scores * BINS).astype(np.int64), 0, BINS - 1)


def add_terms(terms: Sequence[Term], patient: np.ndarray, patients: int) -> np.ndarray:
    """Add up terms of K labels by the patient of each, int (K,), of ``patients`` in all.

    Returns float64 (P, sums), those of the terms side by side.
    """
    sums = np.empty((patients, sum(term.width for term in terms)))
    start = 0
    for term in terms:
        place = patient if term.bins is None else patient * BINS + term.bins
        total = np.bincount(place, term.values, patients * term.width)
        sums[:, start : start + term.width] = total.reshape(patients, term.width)
        start += term.width
    return sums
