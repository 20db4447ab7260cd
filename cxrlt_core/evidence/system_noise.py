"""Training noise of systems that were made anywhere, with any numbers of seeds.

By themselves, systems are taken to be trained independently (Welch 1947), which errs on the safe side where
trainings of one seed are alike. With further ones, systems of as many seeds are compared seed by seed and
their noise is pooled with that of the others, as that of the rows of a study.
"""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.evidence.estimator import Estimate, Sampled, SeedVariance, estimate, pooled
from cxrlt_core.evidence.seed_variance import within


def shown_by(trainings: Sequence[np.ndarray]) -> SeedVariance:
    """Return the variance over seeds that further trainings show, from the values of each, (S,)."""
    if len({len(values) for values in trainings}) == 1:
        return within(np.array(trainings))
    dof = sum(len(values) - 1 for values in trainings)
    squares = sum(float(((values - values.mean()) ** 2).sum()) for values in trainings)
    return SeedVariance(squares / dof, dof) if dof else SeedVariance(0.0, 0)


def estimate_system(system: Sampled, prior: SeedVariance) -> Estimate:
    """Estimate the mean of a system over its seeds; ``prior`` is what further trainings show."""
    return estimate(system, pooled(system.points, prior, 1.0) if len(system.points) > 1 else None)


def estimate_difference(system: Sampled, reference: Sampled, prior: SeedVariance) -> Estimate:
    """Estimate by how much a system is above another one; ``prior`` is what further trainings show.

    Where one of them has one seed the error is that of the patients alone, and counts as of one seed.
    """
    if not prior.dof or len(system.points) != len(reference.points) or len(system.points) == 1:
        return _unpaired(system, reference, prior)
    difference = system + -1.0 * reference
    return estimate(difference, pooled(difference.points, prior, 2.0))


def _unpaired(system: Sampled, reference: Sampled, prior: SeedVariance) -> Estimate:
    """Put together the noise of patients, whom both share, and that of the trainings of either."""
    both, seeds = (system, reference), min(len(system.points), len(reference.points))
    point = system.point - reference.point
    means = [each.deviations.mean(axis=0) for each in both]
    patients = float((means[0] - means[1]).var(ddof=1))
    if not patients > 0:  # NaN, too
        return Estimate(point, np.nan, np.inf, seeds)
    if seeds == 1:
        return Estimate(point, float(np.sqrt(patients)), np.inf, seeds)
    shares, degrees, training = [], [], 0.0
    for each, mean in zip(both, means, strict=True):
        number = len(each.points)
        variance = pooled(each.points, prior, 1.0)
        own = each.deviations.var(axis=1, ddof=1).mean()
        by_seed = max(0.0, own - mean.var(ddof=1)) * number / (number - 1)  # in ``patients`` already
        training += max(0.0, variance.variance - by_seed) / number
        shares.append(variance.variance / number)
        degrees.append(variance.dof)
    squared, total = patients + training, sum(shares)
    share = min(1.0, total / squared)
    if not share > 0:
        return Estimate(point, float(np.sqrt(squared)), np.inf, seeds)
    welch = total**2 / sum(part**2 / dof for part, dof in zip(shares, degrees, strict=True))
    dof = min(degrees) if prior.dof else welch  # what both have of the prior is no news the second time
    return Estimate(point, float(np.sqrt(squared)), float(dof / share**2), seeds)
