"""Power analysis: where the variance of a contrast comes from, and what a study would need to resolve it.

A planned study has the variances that were measured, with patients' parts divided by how many times the
patients, and seeds' parts by the seeds. It judges by the strictest test of the family, as `detectable` does.
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
    """What the contrasts of a table were measured with.

    Attributes:
        split: dev or test.
        images: of the set.
        patients: of the set.
        seeds: of the study.
        level: 1 - level is the error rate of a family.
    """

    split: str
    images: int
    patients: int
    seeds: int
    level: float


@dataclass(frozen=True)
class Need:
    """What resolves a difference.

    Attributes:
        difference: to be resolved.
        seeds: on today's patients, or in words that no number will do; None where one seed tells nothing.
        patients: with today's seeds, likewise.
    """

    difference: float
    seeds: int | str | None
    patients: int | str | None


@dataclass(frozen=True)
class ContrastPower(Tested):
    """The power analysis of a contrast; None where it is undefined.

    Attributes:
        variance: of the mean over the seeds, by parts.
        std_error: its root.
        detectable: difference, with three seeds at least.
        measured: what resolves the measured difference.
        published: what resolves the published one.
        claim: whether a study of the published size could have.
    """

    variance: dict[str, float | None] | None = None
    std_error: float | None = None
    detectable: float | None = None
    measured: Need | None = None
    published: Need | None = None
    claim: Claim | None = None


@dataclass(frozen=True)
class PowerAnalysis(StudySize):
    """The power analysis of a table.

    Attributes:
        published_images: of the published set.
        reference: correlation of two models to what a set of that size tells apart.
        contrasts: of the table.
    """

    published_images: int
    reference: dict[str, float | None]
    contrasts: list[ContrastPower]


def power_analysis(contrasts: Sequence[Contrast], size: StudySize) -> PowerAnalysis:
    """Tell what would resolve each contrast of a table.

    Args:
        contrasts: of the table.
        size: what they were measured with.
    """
    families = [contrast.family for contrast in contrasts if contrast.parts is not None]
    primary, images = max(1, families.count(PRIMARY)), IMAGES[size.split]
    apart = {f"{c:g}": rounded(reference(images, c, size.level, primary)) for c in CORRELATIONS}
    analysed = [_analyse(contrast, size, images, families.count(contrast.family)) for contrast in contrasts]
    return PowerAnalysis(**vars(size), published_images=images, reference=apart, contrasts=analysed)


def _analyse(contrast: Contrast, size: StudySize, images: int, tests: int) -> ContrastPower:
    described = (contrast.what, contrast.change, contrast.rows, contrast.family)
    parts, published = contrast.parts, contrast.published
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
        measured=_need(parts, contrast.difference.point, size, tests),
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
    place = bisect_left(numbers, True, key=resolves)
    if place < len(numbers):
        return numbers[place]
    return f"more than {last:,}" if resolves(np.inf) else NEVER
