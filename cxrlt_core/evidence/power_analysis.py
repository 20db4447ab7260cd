"""reports/planner.json: for each contrast where its variance comes from, and what would resolve it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from cxrlt_core.evidence.contrasts import PRIMARY
from cxrlt_core.evidence.estimator import VarianceComponents
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.evidence.power import patients_needed, planned, seeds_needed
from cxrlt_core.evidence.published import IMAGES, claim, reference
from cxrlt_core.system.rounding import or_none, rounded

CORRELATIONS = (0.9, 0.95)  # of two models' noise, in the reference


@dataclass(frozen=True)
class Size:
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


def power_analysis(contrasts: Sequence[Mapping], size: Size) -> dict:
    """Plan the contrasts of a table, as plain values.

    Args:
        contrasts: from :func:`cxrlt_core.evidence.contrasts.to_json`.
        size: what they were measured with.

    Returns:
        The size, what the reference tells apart at the published size, and each contrast: ``variance`` of the
        mean over the seeds by parts, ``std_error``, ``detectable`` (with three seeds at least), what resolves
        the ``measured`` and the ``published`` difference, and the ``claim`` at the published size.
    """
    families = [one["family"] for one in contrasts if one["parts"] is not None]
    primary = max(1, families.count(PRIMARY))
    apart = {f"{c:g}": rounded(reference(IMAGES[size.split], c, size.level, primary)) for c in CORRELATIONS}
    return {
        **asdict(size),
        "published_images": IMAGES[size.split],
        "reference": apart,
        "contrasts": [_plan_contrast(one, size, families.count(one["family"])) for one in contrasts],
    }


def _plan_contrast(one: Mapping, size: Size, tests: int) -> dict:
    told = {key: one[key] for key in ("what", "change", "rows", "family")}
    told |= dict.fromkeys(("variance", "std_error", "detectable", "measured", "published", "claim"))
    if one["parts"] is None:  # undefined
        return told
    parts = VarianceComponents(
        **{part: np.nan if value is None else value for part, value in one["parts"].items()}
    )
    variance = {
        "patients": parts.patients,
        "patients_by_seed": parts.patients_by_seed / size.seeds if size.seeds > 1 else np.nan,
        "training": parts.training / size.seeds,
        "selection": parts.selection,
    }
    enough = planned(parts, size.seeds, max(size.seeds, MIN_SEEDS))
    return told | {
        "variance": {part: _significant(value, 4) for part, value in variance.items()},
        "std_error": rounded(np.sqrt(np.nansum(list(variance.values())))),
        "detectable": rounded(enough.detectable(size.level, tests)),
        "measured": _needs(parts, one["difference"][0], size, tests),
        "published": _needs(parts, one["published"], size, tests),
        "claim": _claim(parts, one["published"], size, tests),
    }


def _needs(parts: VarianceComponents, difference: float | None, size: Size, tests: int) -> dict | None:
    """Seeds or patients that resolve a difference; None with one seed, which tells nothing of others."""
    if difference is None:
        return None
    seeds = patients = None
    if size.seeds > 1:
        seeds = seeds_needed(parts, size.seeds, difference, size.level, tests)
        patients = patients_needed(parts, size.patients, size.seeds, difference, size.level, tests)
    return {"difference": difference, "seeds": seeds, "patients": patients}


def _claim(parts: VarianceComponents, difference: float | None, size: Size, tests: int) -> dict | None:
    if difference is None:
        return None
    found = claim(parts, size.images, IMAGES[size.split], difference, size.level, tests)
    return {
        "patients": rounded(found.patients),
        "trainings": rounded(found.trainings),
        "resolvable": found.resolvable,
        "images": _significant(found.images, 3),
    }


def _significant(value: float, digits: int) -> float | None:
    return or_none(float(f"{value:.{digits}g}"))
