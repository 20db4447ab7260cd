"""Subgroups of a set: who is in them, and what is told of each.

Groups are those of here, for every study, so that none is cut where it looks best. Of whom nobody tells a sex
or an age, they are in a group of their own; images of other views are in none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.people import AGE, SEX

if TYPE_CHECKING:
    import pandas as pd

NOTHING = Interval(None, None, None)
NOT_TOLD = "unknown"

#: Groups by view: their names, to the views of label tables.
VIEWS = {"frontal": ("PA", "AP", "FRONTAL"), "lateral": ("LATERAL",)}
SEXES = {"female": "F", "male": "M"}
#: Groups by age: their names, to the first year of each and the first after it.
AGES = {"0–17": (0, 18), "18–39": (18, 40), "40–59": (40, 60), "60–79": (60, 80), "80+": (80, np.inf)}

#: Group to which images are in it, bool (N,).
Groups = dict[str, np.ndarray]


@dataclass(frozen=True)
class Subgroup:
    """A part of a set; None where it is of too few patients to be told.

    Metrics are means over the classes that all scored parts have; a part that is not scored has none.
    """

    images: int | None
    patients: int | None
    positives: int | None  # of these classes
    AUROC: Interval = NOTHING
    matched_AP: Interval = NOTHING  # at the prevalence of the whole set

    @property
    def scored(self) -> bool:
        """Whether it has figures."""
        return self.AUROC.point is not None


@dataclass(frozen=True)
class Gap:
    """The largest difference between two parts that are told, in a metric."""

    metric: str
    better: str
    worse: str
    difference: Interval  # the intervals of all pairs hold together
    pairs: int  # that it is the largest of


@dataclass(frozen=True)
class Subgroups:
    """The parts of a set, and the classes that are scored: none where no two parts have one in common."""

    classes: Sequence[str]
    groups: Mapping[str, Subgroup]
    gaps: Sequence[Gap]


def groups_of(table: "pd.DataFrame") -> dict[str, Groups]:
    """Return the groups of a set by kind: ``view``, and ``sex`` and ``age`` where the table tells them.

    Groups without an image are left out, and so is a kind of which nothing is known.
    """
    kinds = {"view": view_groups(table["view"])}
    kinds |= {kind: of(table[kind]) for kind, of in ((SEX, sex_groups), (AGE, age_groups)) if kind in table}
    there = {
        kind: {name: which for name, which in groups.items() if which.any()} for kind, groups in kinds.items()
    }
    return {kind: groups for kind, groups in there.items() if set(groups) - {NOT_TOLD}}


def view_groups(views: Sequence[str]) -> Groups:
    """Return which images are frontal and which lateral; others are in neither."""
    return {group: np.isin(np.asarray(views, dtype=str), names) for group, names in VIEWS.items()}


def sex_groups(sexes: Sequence[str]) -> Groups:
    """Return whose images are of women, of men, and of neither that is known."""
    words = np.asarray(sexes, dtype=str)
    return _with_rest({group: words == word for group, word in SEXES.items()})


def age_groups(ages: Sequence[float]) -> Groups:
    """Return whose images are of each age; NaN is unknown."""
    years = np.asarray(ages, dtype=float)
    return _with_rest({group: (first <= years) & (years < end) for group, (first, end) in AGES.items()})


def _with_rest(groups: Groups) -> Groups:
    return {**groups, NOT_TOLD: ~np.any([*groups.values()], axis=0)}
