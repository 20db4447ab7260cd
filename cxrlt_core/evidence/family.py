"""Verdicts on a family of differences: the probability of any false one, at any look, is held.

Each difference is judged by one interval, made for as many as there are differences times looks (Bonferroni).
All of them hold together, and a verdict is what its interval says, so the two never contradict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.evidence.estimator import Estimate
from cxrlt_core.system.rounding import rounded

UP, DOWN, EQUIVALENT, UNRESOLVED = "resolved up", "resolved down", "practically equivalent", "unresolved"
IDENTICAL = "identical"
NOT_MEASURED = "training noise not measured"
TOO_FEW = "two seeds: no verdict"
NOT_KNOWN = "error not known: no verdict"
NOT_A_LOOK = "no declared look: no verdict"
NOT_CONFIRMATORY = "exploratory: no verdict"
MIN_SEEDS = 3  # from which on a verdict is given

Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Judged:
    """What is said of a difference; four decimals, None where undefined or withheld."""

    simultaneous: Bounds  # low, high; those of the family hold together, at all looks
    p_adjusted: float | None  # of no difference, for the family and its looks
    equivalent_within: float | None  # smallest margin at which the two would be practically equivalent
    verdict: str


@dataclass(frozen=True)
class Family:
    """Differences that are judged together."""

    level: float  # 1 - level is the probability of any false verdict, at all looks together
    margin: float  # a difference that is too small to matter, either way
    tests: int  # number of differences
    looks: Sequence[int] = ()  # numbers of seeds at which one looks, declared beforehand; none: this once

    @property
    def intervals(self) -> int:
        """Number of intervals that hold together: of each difference one a look."""
        return max(1, self.tests) * max(1, len(self.looks))

    def judge(self, difference: Estimate) -> Judged:
        """Say what a difference shows."""
        low, high = difference.interval(self.level, self.intervals)
        enough = difference.seeds >= MIN_SEEDS
        return Judged(
            simultaneous=(rounded(low), rounded(high)),
            p_adjusted=rounded(np.minimum(1.0, self.intervals * difference.p_value())) if enough else None,
            equivalent_within=rounded(max(abs(low), abs(high))) if enough else None,
            verdict=self._verdict(difference, low, high),
        )

    def detectable(self, difference: Estimate) -> float | None:
        """Smallest true difference that four of five such studies would resolve; None with too few seeds."""
        enough = difference.seeds >= MIN_SEEDS
        return rounded(difference.detectable(self.level, self.intervals)) if enough else None

    def _verdict(self, difference: Estimate, low: float, high: float) -> str:
        if why := no_verdict(difference, self.looks):
            return why
        if -self.margin <= low and high <= self.margin:
            return EQUIVALENT
        return UP if low > 0 else DOWN if high < 0 else UNRESOLVED


def no_verdict(difference: Estimate, looks: Sequence[int] = ()) -> str | None:
    """Say why a difference has no verdict up or down, whatever its interval; None where it may have one."""
    if difference.std_error == 0:
        return IDENTICAL
    if difference.seeds < MIN_SEEDS:
        return NOT_MEASURED if difference.seeds == 1 else TOO_FEW
    if not np.isfinite(difference.std_error):
        return NOT_KNOWN
    return NOT_A_LOOK if looks and difference.seeds not in looks else None


def explored(difference: Estimate) -> Judged:
    """Say what is said of a difference that nobody declared: no more than why there is no verdict."""
    return Judged((None, None), None, None, no_verdict(difference) or NOT_CONFIRMATORY)


def family_size(differences: Sequence[Estimate]) -> int:
    """Number of differences that can be judged: those that are defined, and not identical."""
    return sum(bool(difference.std_error > 0) for difference in differences)
