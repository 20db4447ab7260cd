"""What a study would need to resolve a difference: training seeds, patients, or neither will do.

A planned study has the variances that were measured, with patients' parts divided by how many times the
patients, and seeds' parts by the seeds. It judges by the strictest test of the family, as `detectable` does.
"""

from bisect import bisect_left
from collections.abc import Callable

import numpy as np

from cxrlt_core.evidence.estimator import Estimate, VarianceComponents
from cxrlt_core.evidence.family import MIN_SEEDS

MOST_SEEDS, MOST_TIMES = 1000, 1000  # of seeds, and of the patients at hand: beyond, nobody plans
NEVER = "at no number"


def planned(parts: VarianceComponents, measured: int, seeds: float, times: float = 1.0) -> Estimate:
    """Return the error that a study of another size would have; its point is 0.

    Args:
        parts: of the variance, as measured.
        measured: seeds that they were measured with; each further one adds a degree of freedom.
        seeds: of the planned study; may be infinite.
        times: its patients, in multiples of those at hand; may be infinite.
    """
    shared = (parts.patients + parts.selection) / times
    squared = shared + (parts.patients_by_seed / times + parts.training) / seeds
    if not squared > 0:
        return Estimate(0.0, 0.0 if squared == 0 else np.nan, np.inf, measured)
    spread = parts.training + (parts.seed_variance - parts.training) / times
    share = min(1.0, spread / seeds / squared)
    dof = (parts.dof + seeds - measured) / share**2 if share > 0 else np.inf
    return Estimate(0.0, float(np.sqrt(squared)), float(dof), measured)


def seeds_needed(
    parts: VarianceComponents, measured: int, difference: float, level: float, tests: int
) -> int | str:
    """Return the seeds at which the patients at hand resolve a difference in four of five studies.

    Args:
        parts: of the variance, as measured.
        measured: seeds that they were measured with.
        difference: true one, of either sign.
        level: 1 - level is the error rate of the family.
        tests: size of the family.

    Returns:
        Their number, at least those that a verdict asks for; or in words that there is none.
    """

    def resolves(seeds: float) -> bool:
        return planned(parts, measured, seeds).detectable(level, tests) <= abs(difference)

    return _least(resolves, MIN_SEEDS, MOST_SEEDS)


def patients_needed(
    parts: VarianceComponents, patients: int, measured: int, difference: float, level: float, tests: int
) -> int | str:
    """Return the patients at which the seeds at hand resolve a difference; at least those at hand.

    Args:
        parts: of the variance, as measured.
        patients: at hand.
        measured: seeds at hand; a verdict asks for three, so two are planned as three.
        difference: true one, of either sign.
        level: 1 - level is the error rate of the family.
        tests: size of the family.
    """
    seeds = max(measured, MIN_SEEDS)

    def resolves(number: float) -> bool:
        return planned(parts, measured, seeds, number / patients).detectable(level, tests) <= abs(difference)

    return _least(resolves, patients, MOST_TIMES * patients)


def _least(resolves: Callable[[float], bool], first: int, last: int) -> int | str:
    """Find the first number that resolves; the more the better."""
    numbers = range(first, last + 1)
    found = bisect_left(numbers, True, key=resolves)
    if found < len(numbers):
        return numbers[found]
    return f"more than {last:,}" if resolves(np.inf) else NEVER
