"""Power analysis: where the variance of a contrast comes from, and what a study would need to resolve it.

A planned study has the variances that were measured, with patients' parts divided by how many times the
patients, and seeds' parts by the seeds. It is planned for a difference that one wants to see, the smallest
that matters or the published one, and never for the measured one, which says nothing of its own power.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.evidence.contrasts import PRIMARY, Contrast, Tested
from cxrlt_core.evidence.estimator import Estimate, VarianceComponents
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.evidence.published import IMAGES, Claim, claim, reference
from cxrlt_core.system.rounding import rounded, significant

CORRELATIONS = (0.9, 0.95)  # of two models' noise, in the reference
MOST_SEEDS, MOST_TIMES = 1000, 1000  # of seeds, and of the patients at hand: beyond, nobody plans
NEVER = "at no number"


@dataclass(frozen=True)
class StudySize:
    """What the contrasts of a table were measured with."""

    split: str  # dev or test
    images: int  # of the set
    patients: int  # of the set
    seeds: int  # of the study
    level: float  # 1 - level is the error rate of the family
    intervals: int  # how many of the family hold together: a difference and look each
    margin: float  # the smallest difference that matters


@dataclass(frozen=True)
class Need:
    """What resolves a difference."""

    difference: float  # to be resolved
    # on today's patients, or in words that no number will do; None where one seed tells nothing
    seeds: int | str | None
    patients: int | str | None  # with today's seeds, likewise


@dataclass(frozen=True)
class ContrastPower(Tested):
    """The power analysis of a contrast; None where it is undefined."""

    variance: dict[str, float | None] | None = None  # of the mean over the seeds, by parts
    std_error: float | None = None  # its root
    detectable: float | None = None  # difference, with three seeds at least
    margin: Need | None = None  # what resolves the smallest difference that matters
    published: Need | None = None  # what resolves the published one
    claim: Claim | None = None  # whether a study of the published size could have


@dataclass(frozen=True)
class PowerAnalysis(StudySize):
    """The power analysis of a table."""

    published_images: int  # of the published set
    reference: dict[str, float | None]  # correlation of two models to what a set of that size tells apart
    contrasts: list[ContrastPower]  # of the table


def power_analysis(contrasts: Sequence[Contrast], size: StudySize) -> PowerAnalysis:
    """Tell what would resolve each contrast of a table, which was measured with this size."""
    images = IMAGES[size.split]
    apart = {f"{c:g}": rounded(reference(images, c, size.level, size.intervals)) for c in CORRELATIONS}
    analysed = [_analyse(contrast, size, images) for contrast in contrasts]
    return PowerAnalysis(**vars(size), published_images=images, reference=apart, contrasts=analysed)


def _analyse(contrast: Contrast, size: StudySize, images: int) -> ContrastPower:
    described = (contrast.what, contrast.change, contrast.rows, contrast.family)
    parts, published = contrast.parts, contrast.published
    tests = size.intervals if contrast.family == PRIMARY else 1
    if parts is None:  # undefined
        return ContrastPower(*described)
    variance = {
        "patients": parts.patients,
        "patients_by_seed": parts.patients_by_seed / size.seeds if size.seeds > 1 else np.nan,
        "training": parts.training / size.seeds,
        "selection": parts.selection,
    }
    enough = planned(parts, size.seeds, max(size.seeds, MIN_SEEDS))
    return ContrastPower(
        *described,
        variance={part: significant(value, 4) for part, value in variance.items()},
        std_error=rounded(np.sqrt(np.nansum(list(variance.values())))),
        detectable=rounded(enough.detectable(size.level, tests)),
        margin=_need(parts, size.margin, size, tests),
        published=_need(parts, published, size, tests),
        claim=None if published is None else claim(parts, size.images, images, published, size.level, tests),
    )


def _need(parts: VarianceComponents, difference: float | None, size: StudySize, tests: int) -> Need | None:
    if difference is None:
        return None
    if size.seeds == 1:  # which tells nothing of others
        return Need(difference, None, None)
    seeds = seeds_needed(parts, size.seeds, difference, size.level, tests)
    patients = patients_needed(parts, size.patients, size.seeds, difference, size.level, tests)
    return Need(difference, seeds, patients)


def planned(parts: VarianceComponents, measured: int, seeds: float, times: float = 1.0) -> Estimate:
    """Return the error that a study of another size would have; its point is 0.

    ``measured`` seeds gave the parts; each further one adds a degree of freedom. Planned are ``seeds``, and
    the patients at hand ``times`` so many; both may be infinite.
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
    """Return the seeds, three at least, at which the patients at hand resolve a difference in 4 of 5 studies.

    The parts were measured with ``measured`` seeds; 1 - level is the error rate of the family of ``tests``.
    Where there is no such number, words say so.
    """

    def resolves(seeds: float) -> bool:
        return planned(parts, measured, seeds).detectable(level, tests) <= abs(difference)

    return _least(resolves, MIN_SEEDS, MOST_SEEDS)


def patients_needed(
    parts: VarianceComponents, patients: int, measured: int, difference: float, level: float, tests: int
) -> int | str:
    """Return the patients, those at hand at least, at which the seeds at hand resolve a difference.

    As :func:`seeds_needed`; a verdict asks for three seeds, so two are planned as three.
    """
    seeds = max(measured, MIN_SEEDS)

    def resolves(number: float) -> bool:
        return planned(parts, measured, seeds, number / patients).detectable(level, tests) <= abs(difference)

    return _least(resolves, patients, MOST_TIMES * patients)


def _least(resolves: Callable[[float], bool], first: int, last: int) -> int | str:
    """Find the first number that resolves; the more the better."""
    numbers = range(first, last + 1)
    place = bisect_left(numbers, True, key=resolves)
    if place < len(numbers):
        return numbers[place]
    return f"more than {last:,}" if resolves(np.inf) else NEVER
