"""Training noise of a contrast: pooled over the study's trainings, or from recombined seeds of ensembles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, product
from typing import Protocol

import numpy as np

from cxrlt_core.evidence.estimator import SeedVariance, pooled


class SeedVarianceModel(Protocol):
    """Knows how contrasts of the rows of a table vary from training to training."""

    def of(self, weights: Mapping[str, float], metric: str, points: np.ndarray) -> SeedVariance | None:
        """Return the noise of a contrast in a mean, from its points by seed, (S,); None with one seed."""
        ...


@dataclass(frozen=True)
class PooledSeedVariance:
    """Rows that are one training each, with or without TTA.

    Trainings are independent, each variant and seed having a stream of its own, and those of a study are
    taken to be about equally noisy: a contrast adds to its own seeds what the *other* trainings show. TTA
    shares its training, so a contrast of TTA takes the effects of TTA on the others.
    """

    rows: Mapping[str, tuple[str, bool]]  # row to its training and whether it has TTA
    names: Sequence[str]  # of T trainings
    # metric to the values of the trainings with S seeds, without TTA and with it; (2, T, S)
    trainings: Mapping[str, np.ndarray]

    def of(self, weights: Mapping[str, float], metric: str, points: np.ndarray) -> SeedVariance | None:
        """As :meth:`SeedVarianceModel.of`; a metric that was not pooled has the noise of its own seeds."""
        if len(points) == 1:
            return None
        if metric not in self.trainings:
            return pooled(points, SeedVariance(0.0, 0), 0.0)
        plain, tta = self.trainings[metric]
        of_training = self._sums(weights)
        others = [name not in of_training for name in self.names]
        if any(abs(weight) > 1e-9 for weight in of_training.values()):
            shown = tta if all(self.rows[row][1] for row in weights) else plain
        else:
            of_training = self._sums({row: weight for row, weight in weights.items() if self.rows[row][1]})
            shown = tta - plain
        return pooled(points, within(shown[others]), sum(weight**2 for weight in of_training.values()))

    def _sums(self, weights: Mapping[str, float]) -> dict[str, float]:
        sums: dict[str, float] = {}
        for row, weight in weights.items():
            training = self.rows[row][0]
            sums[training] = sums.get(training, 0.0) + weight
        return sums


@dataclass(frozen=True)
class RecombinedSeedVariance:
    """Rows that are ensembles: each run takes the seeds of the members from an orthogonal array."""

    array: np.ndarray  # seed of each member in each run, int (K, M); from :func:`orthogonal_array`
    runs: Mapping[str, Mapping[str, np.ndarray]]  # row to metric to the value of each run, (K,)

    def of(self, weights: Mapping[str, float], metric: str, points: np.ndarray) -> SeedVariance | None:
        """As :meth:`SeedVarianceModel.of`; a metric that the runs lack has the noise of its own seeds."""
        if len(points) == 1:
            return None
        if any(metric not in self.runs[row] for row in weights):  # such as F1
            return pooled(points, SeedVariance(0.0, 0), 0.0)
        first, *others = (weight * self.runs[row][metric] for row, weight in weights.items())
        return main_effects(self.array, sum(others, first))


def within(values: np.ndarray) -> SeedVariance:
    """Mean variance over the seeds of a training; float (T, S)."""
    trainings, seeds = values.shape
    if not trainings or seeds < 2:
        return SeedVariance(0.0, 0)
    return SeedVariance(float(values.var(axis=1, ddof=1).mean()), trainings * (seeds - 1))


def main_effects(array: np.ndarray, values: np.ndarray) -> SeedVariance:
    """Variance over seeds of a number that depends on M members, each with a seed of its own.

    Seeds of different members are independent, so the variances of their effects add up; an orthogonal array
    tells them apart. What members do together is spread over the runs and counts, too. Degrees of freedom are
    Welch's (1947), from the share of each member. ``values`` are of the runs, (K,).
    """
    levels = array.max() + 1
    centred = values - values.mean()
    effects = np.array([[centred[column == s].mean() for s in range(levels)] for column in array.T])
    shares = (effects**2).sum(axis=1) / (levels - 1)  # unbiased variances, one a member
    variance = float(centred.var() * levels / (levels - 1))
    if not shares.sum() > 0:
        return SeedVariance(variance, levels - 1)
    dof = shares.sum() ** 2 / (shares**2 / (levels + 1)).sum() - 2
    return SeedVariance(variance, max(dof, levels - 1))


def orthogonal_array(members: int, seeds: int) -> np.ndarray:
    """Runs in which every two members meet with every pair of seeds equally often (Rao 1947; Bose 1947).

    With two seeds these, with more the first three: runs would be many, and three seeds of M members tell a
    variance with 2 M degrees of freedom. Linear over the field of two or three elements. Returns positions
    among the seeds, int64 (K, M), K a power of two or three; no run with one seed.
    """
    levels = min(seeds, 3)
    if levels == 1:
        return np.empty((0, members), int)
    size = next(k for k in count(1) if (levels**k - 1) // (levels - 1) >= members)
    points = np.array(list(product(range(levels), repeat=size)))
    leading = np.array([next((x for x in point if x), 0) for point in points])  # one of each direction
    return points @ points[leading == 1][:members].T % levels
