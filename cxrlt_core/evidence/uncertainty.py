"""What can be said of a number that was measured with a few training seeds on a sample of patients.

The estimator and its sources are described in docs/evidence.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri, stdtrit  # quantiles: normal, Student; scipy.stats takes longer to load

POWER = 0.8  # of a minimum detectable difference


@dataclass(frozen=True)
class Sampled:
    """A number, from each of S training seeds, on the patients and on each of B resamples of them.

    Attributes:
        points: float64 (S,).
        samples: float64 (S, B); NaN where a resample is undefined.
        seeds: the seeds drawn for each resample, positions in S; int64 (B, m).
    """

    points: np.ndarray
    samples: np.ndarray
    seeds: np.ndarray

    def __sub__(self, other: "Sampled") -> "Sampled":
        """Return the difference, seed by seed and resample by resample."""
        return Sampled(self.points - other.points, self.samples - other.samples, self.seeds)

    @property
    def point(self) -> float:
        """Mean over the seeds; NaN where undefined."""
        return float(self.points.mean())

    @cached_property
    def deviations(self) -> np.ndarray:
        """What each draw of seeds and patients changes; sorted, (≤ B,).

        A resample holds some positives twice, and average precision rewards that: with few positives the
        resamples lie above the estimate as a whole. Their spread is wanted, so their mean is taken off.
        """
        drawn = self.samples[self.seeds, np.arange(len(self.seeds))[:, None]].mean(axis=1)
        drawn = drawn[np.isfinite(drawn)]
        return np.sort(drawn - drawn.mean()) if len(drawn) else drawn

    @property
    def seed_deviation(self) -> float:
        """Standard deviation over the seeds; NaN with one."""
        return float(self.points.std(ddof=1)) if len(self.points) > 1 else float("nan")

    @property
    def standard_error(self) -> float:
        """Standard deviation of the draws; NaN without spread."""
        spread = self.deviations
        return float(spread.std(ddof=1)) if len(spread) > 1 and np.ptp(spread) else float("nan")

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the standard error (Satterthwaite 1946): patients many, seeds S - 1."""
        if not self.seed_deviation > 0 or not self.standard_error > 0:
            return float("inf")
        share = self.seed_deviation**2 / len(self.points) / self.standard_error**2
        return (len(self.points) - 1) / min(share, 1.0) ** 2

    def widening(self, level: float) -> float:
        """Student's quantile over the normal one: what few seeds add to a deviation."""
        tail = (1 + level) / 2
        return float(stdtrit(self.freedom, tail) / ndtri(tail)) if np.isfinite(self.freedom) else 1.0

    def interval(self, level: float) -> tuple[float, float]:
        """Percentile interval, centred on the estimate.

        Returns:
            Low and high. The point twice where no sample differs from another and all are 0, as for a row
            against itself; NaN where the samples tell nothing.
        """
        if self._is_zero():
            return self.point, self.point
        if not np.isfinite(self.standard_error):
            return float("nan"), float("nan")
        tail = (1 - level) / 2
        low, high = np.quantile(self.deviations, [tail, 1 - tail]) * self.widening(level)
        return self.point + float(low), self.point + float(high)

    def p_value(self, level: float) -> float:
        """Two-sided p value of the hypothesis that the number is 0; the dual of the interval.

        It is below 1 - level where the interval excludes 0, and never below 2 / (B + 1).
        """
        if not np.isfinite(self.standard_error):
            return 1.0 if self._is_zero() else float("nan")
        spread = self.deviations * self.widening(level)
        beyond = min((spread <= -self.point).sum(), (spread >= -self.point).sum())
        return min(1.0, 2 * (1 + int(beyond)) / (len(spread) + 1))

    def detectable(self, level: float, tests: int = 1) -> float:
        """Smallest true difference that is found with 80 % probability at level 1 - (1 - level) / tests.

        (t(1 - α/2) + t(power)) · standard error, Bloom 1995; of several tests the strictest step of Holm's
        counts, α = (1 - level) / tests.
        """
        freedom = min(self.freedom, 1e9)
        tail = 1 - (1 - level) / tests / 2
        return float((stdtrit(freedom, tail) + stdtrit(freedom, POWER)) * self.standard_error)

    def _is_zero(self) -> bool:
        defined = self.samples[np.isfinite(self.samples)]
        return len(defined) > 0 and not defined.any() and not self.points.any()


def draw_seeds(seeds: int, resamples: int, seed: int) -> np.ndarray:
    """Draw training seeds with replacement, one fewer than there are.

    The mean of S - 1 draws out of S varies as s²/S, with s² the unbiased variance over the seeds; S draws
    would fall short by (S - 1)/S (McCarthy and Snowden 1985).

    Returns:
        Positions, int64 (B, max(S - 1, 1)).
    """
    return np.random.default_rng([seed, seeds]).integers(seeds, size=(resamples, max(seeds - 1, 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p values for their number (Holm 1979); NaN stays out of the family."""
    p = np.asarray(p_values, float)
    order = np.argsort(p)[: np.isfinite(p).sum()]
    factors = np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted.tolist()
