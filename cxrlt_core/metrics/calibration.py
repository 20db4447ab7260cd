"""How probabilities are read: thresholds and a temperature, both fitted on development labels.

A temperature T divides the logits of all classes: one number cannot change a ranking, so it mends confidence
and touches neither average precision nor AUROC (Guo et al. 2017).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.system.rounding import or_none

EPSILON = 1e-7  # probabilities keep this distance from 0 and 1, about the resolution of float32
COLDEST, HOTTEST = 0.01, 100.0  # what separates perfectly would have T = 0


@dataclass(frozen=True)
class Calibration:
    """What development labels say of a model's probabilities."""

    # of each class, float64 (C,): at or above it a finding is present; NaN where unknown
    thresholds: np.ndarray
    temperature: float | np.ndarray  # of all images, or of each, float64 (N, 1); NaN where unknown

    def to_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return the one temperature, and class to threshold, as JSON wants them."""
        thresholds = zip(classes, map(or_none, self.thresholds), strict=True)
        return {"temperature": or_none(float(self.temperature)), "thresholds": dict(thresholds)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any] | None, classes: Sequence[str]) -> "Calibration":
        """Read what :meth:`to_json` returns; None knows nothing."""
        content = content or {"temperature": None, "thresholds": {}}
        thresholds = np.array([content["thresholds"].get(name) for name in classes], np.float64)
        return cls(thresholds, float(np.float64(content["temperature"])))

    @property
    def known(self) -> bool:
        """Whether any class has a threshold."""
        return bool(np.isfinite(self.thresholds).any())

    def present(self, probabilities: np.ndarray) -> np.ndarray:
        """Say ``yes`` or ``no`` of float32 probabilities (N, C), and nothing where no threshold is known."""
        answers = np.where(probabilities >= self.thresholds.astype(np.float32), "yes", "no")
        return np.where(np.isnan(self.thresholds), "", answers)


def calibrate(targets: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """Fit thresholds and temperature on development data, (N, C) each, to be used on other data."""
    return Calibration(best_thresholds(targets, probabilities), fit_temperature(targets, probabilities))


def calibrate_on_itself(
    targets: np.ndarray, probabilities: np.ndarray, patients: Sequence[str]
) -> Calibration:
    """Fit on the data that are scored: thresholds on all, the temperature of either half on the other.

    The halves are every second patient by name: no temperature was fitted on a patient whom it scales. Int
    targets and float probabilities, (N, C) each, and the patient of each image, (N,).
    """
    half = np.unique(np.asarray(patients, dtype=str), return_inverse=True)[1] % 2
    of_other = np.array([fit_temperature(targets[half != h], probabilities[half != h]) for h in (0, 1)])
    return Calibration(best_thresholds(targets, probabilities), of_other[half][:, None])


def best_thresholds(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The threshold of each class with the highest F1; a score at or above it counts as positive.

    Int targets, -1 unknown, and float scores, (N, C) each. Returns float64 (C,); the highest of several that
    are equal; NaN without a known positive.
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


def fit_temperature(targets: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature with the lowest negative log-likelihood of all known labels, of any shape.

    The loss is convex in 1/T, so the zero of its slope is bracketed and found by Brent's method; RuntimeError
    when that does not converge to a relative 1e-10. Returns a number between ``COLDEST`` and ``HOTTEST``; 1,
    which changes nothing, where labels or logits say nothing.
    """
    known = targets != UNKNOWN
    logits, positive = _logits(probabilities[known]), targets[known] == POSITIVE
    if not logits.any():
        return 1.0

    def slope(inverse: float) -> float:
        return float(np.mean((_sigmoid(inverse * logits) - positive) * logits))

    if slope(1 / COLDEST) <= 0:
        return COLDEST
    if slope(1 / HOTTEST) >= 0:
        return HOTTEST
    from scipy.optimize import brentq  # late: those who only read calibrations do without

    return 1 / brentq(slope, 1 / HOTTEST, 1 / COLDEST, xtol=1e-12, rtol=1e-10)


def scale(probabilities: np.ndarray, temperature: float | np.ndarray) -> np.ndarray:
    """Divide the logits of probabilities by a temperature, one or an array that broadcasts; float64.

    Probabilities within ``EPSILON`` of 0 or 1 count as that far from it.
    """
    return _sigmoid(_logits(probabilities) / temperature)


def log_loss(positive: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Negative log-likelihood of each label; probabilities are clipped to ``EPSILON`` from 0 and 1."""
    clipped = np.clip(probabilities, EPSILON, 1 - EPSILON)
    return -np.where(positive, np.log(clipped), np.log1p(-clipped))


def _logits(probabilities: np.ndarray) -> np.ndarray:
    clipped = np.clip(np.asarray(probabilities, np.float64), EPSILON, 1 - EPSILON)
    return np.log(clipped) - np.log1p(-clipped)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), which overflows nowhere."""
    return 0.5 * (1 + np.tanh(0.5 * logits))
