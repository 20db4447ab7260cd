"""What can be said of a number that was measured with a few training seeds on a sample of patients.

The estimator, how often it is right, and its sources are in docs/evidence.md.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit, nctdtrinc, ndtr, ndtri, stdtr, stdtrit  # scipy.stats loads slowly

from cxrlt_core.evidence.selection import selection_variance
from cxrlt_core.system.records import Infinite, Number
from cxrlt_core.system.rounding import rounded

POWER = 0.8  # of a detectable difference
PRIOR = 2  # degrees of freedom that the noise of other trainings counts for, at most: they may be quieter
FEW = 4  # degrees of freedom below which a seed variance is not trusted to be the smaller part


@dataclass(frozen=True)
class Sampled:
    """A number, from each of S training seeds, on the patients and on each of B resamples of them."""

    points: np.ndarray  # float64 (S,); NaN where undefined
    deviations: np.ndarray  # of the resamples from their mean, float64 (S, B)
    bias: np.ndarray  # mean of the resamples minus the point, float64 (S,)
    # deviations with the choice on other development patients, float64 (S, R, 1 + K), see
    # :func:`cxrlt_core.evidence.selection.selection_variance`; 0 where nothing was chosen
    choices: np.ndarray = field(default_factory=lambda: np.zeros((1, 1, 1)))

    def __add__(self, other: "Sampled") -> "Sampled":
        """Return the sum, seed by seed and resample by resample."""
        return Sampled(**{name: values + getattr(other, name) for name, values in vars(self).items()})

    def __rmul__(self, factor: float) -> "Sampled":
        """Return a multiple."""
        return Sampled(**{name: factor * values for name, values in vars(self).items()})

    def without_error(self) -> "Sampled":
        """Return the same, of which nothing is known but the points."""
        return replace(self, deviations=np.full_like(self.deviations, np.nan))

    @property
    def point(self) -> float:
        """Mean over the seeds; NaN where undefined."""
        return float(self.points.mean())

    @property
    def corrected(self) -> float:
        """The point less its small-sample bias, which the resamples show: 2 m - mean(m^b)."""
        return float((self.points - self.bias).mean())

    @property
    def seed_deviation(self) -> float:
        """Standard deviation over the seeds; NaN with one."""
        return float(self.points.std(ddof=1)) if len(self.points) > 1 else float("nan")


@dataclass(frozen=True)
class SeedVariance:
    """How a number varies from one training to the next on the same patients."""

    variance: float  # of one seed
    dof: float  # degrees of freedom that it is known with


@dataclass(frozen=True)
class VarianceComponents:
    """Where the variance of a number comes from: one seed, the patients at hand."""

    patients: float  # what they do to all seeds alike; with one seed all that they do
    patients_by_seed: float  # what they do to each seed; patient × seed
    training: Number  # what a seed adds to both; NaN where it was not measured
    # of seeds on these patients, patient × seed and training; NaN where it was not measured
    seed_variance: Number
    dof: Number  # degrees of freedom that the seed variance is known with
    selection: float = 0.0  # what the choice on other development patients adds, to all seeds alike


class Interval(NamedTuple):
    """A number with its interval, to four decimals; None where undefined or withheld."""

    point: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error."""

    point: Number  # mean over the seeds; NaN where undefined
    std_error: Number  # NaN where nothing is known of it, 0 of predictions that are the same
    dof: Infinite  # degrees of freedom of the error
    seeds: int  # training seeds behind it
    parts: VarianceComponents | None = None  # of its variance; None where nothing is known of the error

    def interval(self, level: float, tests: int = 1) -> tuple[float, float]:
        """Student's interval; of several tests all intervals hold together (Bonferroni)."""
        half = self._critical(level, tests) * self.std_error
        return self.point - half, self.point + half

    def logit_interval(self, level: float) -> tuple[float, float]:
        """Student's interval of a share on the scale of its logit: it stays within 0 and 1; NaN at both."""
        if not 0 < self.point < 1:
            return np.nan, np.nan
        half = self._critical(level, 1) * self.std_error / (self.point * (1 - self.point))
        return float(expit(logit(self.point) - half)), float(expit(logit(self.point) + half))

    def rounded(self, level: float, tests: int = 1) -> Interval:
        """Return the point and its interval as they are reported."""
        return Interval(*map(rounded, (self.point, *self.interval(level, tests))))

    def p_value(self) -> float:
        """Two-sided p value of the hypothesis that the number is 0; NaN where undefined."""
        if self.std_error == 0:
            return 1.0
        return float(2 * stdtr(self.dof, -abs(self.point) / self.std_error))

    def detectable(self, level: float, tests: int = 1) -> float:
        """Smallest true number that is told from 0 with 80 % probability; noncentral t."""
        return float(nctdtrinc(self.dof, 1 - POWER, self._critical(level, tests)) * self.std_error)

    def _critical(self, level: float, tests: int) -> float:
        return float(stdtrit(self.dof, 1 - (1 - level) / tests / 2))


def pooled(points: np.ndarray, prior: SeedVariance, squares: float) -> SeedVariance:
    """Seed variance of a contrast from its own seeds, (S,), and from what other trainings show.

    ``squares`` is the sum of the squared weights that the contrast gives to trainings. Others count for half
    of what they know, at most for PRIOR degrees of freedom.
    """
    dof, weight = len(points) - 1, min(PRIOR, prior.dof / 2)
    if not weight:
        return SeedVariance(points.var(ddof=1), dof)
    together = weight * prior.variance * squares + dof * points.var(ddof=1)
    return SeedVariance(together / (weight + dof), weight + dof)


def estimate(sampled: Sampled, seed_variance: SeedVariance | None) -> Estimate:
    """Put the noise of patients, of trainings and of both together.

    ``seed_variance`` is None with one seed, where it was not measured: then the error is that of the patients
    alone, who are scored on and who choose.
    """
    seeds = len(sampled.points)
    if not np.isfinite(sampled.point):
        return Estimate(np.nan, np.nan, np.inf, seeds)
    patients = sampled.deviations.mean(axis=0).var(ddof=1)
    if not patients > 0:
        return Estimate(sampled.point, np.nan, np.inf, seeds)
    selection = selection_variance(sampled.choices)
    if seed_variance is None:
        parts = VarianceComponents(float(patients), 0.0, np.nan, np.nan, np.nan, selection)
        error = float(np.sqrt(patients + selection))
        return Estimate(sampled.point, error, np.inf, seeds, parts)
    within = sampled.deviations.var(axis=1, ddof=1).mean()
    both = max(0.0, within - patients) * seeds / (seeds - 1)  # patient × seed: in patients already
    training = max(0.0, seed_variance.variance - both)
    squared = patients + selection + training / seeds
    share = min(1.0, seed_variance.variance / seeds / squared)
    if share > 0 and seed_variance.dof < FEW:  # it is known as badly as the variance
        share = 1.0
    dof = seed_variance.dof / share**2 if share > 0 else np.inf
    shared = min(both / seeds, patients)  # the mean of the seeds has no more of it than it has of patients
    measured = (patients - shared, shared * seeds, training, seed_variance.variance, seed_variance.dof)
    parts = VarianceComponents(*map(float, (*measured, selection)))
    return Estimate(sampled.point, float(np.sqrt(squared)), float(dof), seeds, parts)


def probability_of_improvement(gap: Estimate, level: float) -> tuple[float, float, float]:
    """Estimate P(a new training of B scores above a new one of A) on the same patients.

    New trainings differ by D ~ N(δ, s²), where s² is what seeds add to a single difference: P = Φ(δ / s). The
    interval is that of δ / s, from the error of δ and, by the delta method, from the few degrees of freedom
    of s. ``gap`` is B minus A. Returns point, low and high; NaN where training noise was not measured or is
    0. Bouthillier et al. 2021, arXiv:2103.03098.
    """
    if gap.parts is None or not gap.parts.seed_variance > 0:
        return np.nan, np.nan, np.nan
    spread = np.sqrt(gap.parts.seed_variance)
    effect = gap.point / spread
    error = np.hypot(gap.std_error / spread, effect / np.sqrt(2 * gap.parts.dof))
    half = ndtri(1 - (1 - level) / 2) * error
    point, low, high = (float(ndtr(value)) for value in (effect, effect - half, effect + half))
    return point, low, high
