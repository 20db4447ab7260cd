"""Verdicts on a family of contrasts: the probability of any false one in the family is held."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.evidence.estimator import Estimate

UP, DOWN, NEGLIGIBLE, UNRESOLVED = "resolved up", "resolved down", "negligible", "unresolved"
NOT_MEASURED = "training noise not measured"
TOO_FEW = "two seeds: no verdict"
NOT_KNOWN = "error not known: no verdict"
MIN_SEEDS = 3  # from which on a verdict is given


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number (Holm 1979); NaN stays out of the family."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)[: np.isfinite(p).sum()]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return [float(value) for value in adjusted]


def family_size(estimates: Sequence[Estimate]) -> int:
    """Number of estimates that are defined, at least 1."""
    return max(1, sum(np.isfinite(estimate.std_error) for estimate in estimates))


@dataclass(frozen=True)
class Family:
    """Tests that are held to one error rate together."""

    name: str  # of the family
    level: float  # 1 - level is the error rate
    negligible: float  # a difference that is too small to matter, either way
    tests: int  # their number

    def verdict(self, difference: Estimate, p_holm: float) -> str:
        """Say what a difference shows, by its interval and its p value adjusted over the family."""
        if difference.seeds == 1:
            return NOT_MEASURED
        if difference.seeds < MIN_SEEDS:
            return TOO_FEW
        if not np.isfinite(difference.std_error):
            return NOT_KNOWN
        low, high = difference.interval(self.level, self.tests)
        if -self.negligible <= low and high <= self.negligible:
            return NEGLIGIBLE
        if not p_holm <= 1 - self.level:
            return UNRESOLVED
        return UP if difference.point > 0 else DOWN
