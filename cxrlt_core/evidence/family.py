"""Verdicts on a family of contrasts: the probability of any false one in the family is held."""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.evidence.estimator import Estimate

UP, DOWN, NEGLIGIBLE, UNRESOLVED = "resolved up", "resolved down", "negligible", "unresolved"
NOT_MEASURED = "training noise not measured"
TOO_FEW = "two seeds: no verdict"
NOT_KNOWN = "error not known: no verdict"
MIN_SEEDS = 3  # seeds from which on a verdict is given


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number (Holm 1979); NaN stays out of the family."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)[: np.isfinite(p).sum()]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted.tolist()


def family_size(estimates: Sequence[Estimate]) -> int:
    """Number of estimates that are defined, at least 1."""
    return max(1, sum(np.isfinite(one.std_error) for one in estimates))


def verdict(one: Estimate, p_holm: float, level: float, tests: int, negligible: float) -> str:
    """Say what a difference shows.

    Args:
        one: the difference.
        p_holm: its p value, adjusted over the family.
        level: 1 - level is the error rate of the family.
        tests: size of the family.
        negligible: what is too small to matter, either way.
    """
    if one.seeds == 1:
        return NOT_MEASURED
    if one.seeds < MIN_SEEDS:
        return TOO_FEW
    if not np.isfinite(one.std_error):
        return NOT_KNOWN
    low, high = one.interval(level, tests)
    if -negligible <= low and high <= negligible:
        return NEGLIGIBLE
    if not p_holm <= 1 - level:
        return UNRESOLVED
    return UP if one.point > 0 else DOWN
