"""Contrasts: what one design changes, from every pair of rows that differ in it alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import combinations
from typing import Any, TypeVar

from cxrlt_core.evidence.estimator import Estimate, Interval, VarianceComponents, probability_of_improvement
from cxrlt_core.evidence.family import MIN_SEEDS, Bounds, Family, Judged, explored, family_size
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import TESTED
from cxrlt_core.params.schema import Evidence
from cxrlt_core.system.rounding import rounded

PRIMARY, EXPLORATORY = "primary", "exploratory"
AND = " + "  # between the things that a step changes


@dataclass(frozen=True)
class Design:
    """What a row has of one design; two are equal where their contents are."""

    text: str = field(compare=False)  # as a table shows it, empty where it is off
    content: Any  # all that it stands for
    name: str = field(default="", compare=False)  # as params.yaml has it; tells apart what the text does not


@dataclass(frozen=True)
class Pair:
    """Two rows that differ in one design."""

    design: str
    change: str  # its value in both rows: ``2 → 3``
    row: str  # name of the row with the change
    reference: str  # name of the row without

    @property
    def rows(self) -> list[str]:
        """Names, the reference last."""
        return [self.row, self.reference]

    @property
    def weights(self) -> dict[str, float]:
        """Row to its weight in the difference."""
        return {self.row: 1.0, self.reference: -1.0}


@dataclass(frozen=True)
class Interaction:
    """Four rows: how the effect of one design, from first to second, depends on another, of side."""

    first: Pair
    second: Pair
    side: Pair  # from the reference of the first to that of the second

    @property
    def design(self) -> str:
        """Names of both designs."""
        return f"{self.first.design} × {self.side.design}"

    @property
    def change(self) -> str:
        """Values of both designs."""
        return f"{self.first.change}, by {self.side.change}"

    @property
    def rows(self) -> list[str]:
        """Names, two and two, the reference last."""
        return [*self.second.rows, *self.first.rows]

    @property
    def weights(self) -> dict[str, float]:
        """Row to its weight in the difference of differences."""
        return self.second.weights | {row: -weight for row, weight in self.first.weights.items()}


@dataclass(frozen=True)
class Tested:
    """Rows that are compared, and in which family."""

    what: str  # the design, or both
    change: str  # its values
    rows: list[str]  # names, the reference last
    family: str  # primary (judged, together with those of the other table) or exploratory


@dataclass(frozen=True)
class Measured(Tested):
    """A comparison before anything is said of it."""

    published: float | None  # the paper's difference
    estimates: dict[str, Estimate]  # of the difference of mAP, and of each class group


@dataclass(frozen=True)
class Contrast(Judged, Tested):
    """What a comparison shows; differences of mAP, None where undefined or withheld."""

    difference: Interval
    p: float | None  # of no difference, for this comparison alone
    published: float | None  # the paper's difference
    detectable: dict[str, float | None]  # minimum detectable difference, of mAP and of each class group
    groups: dict[str, Interval]  # difference of each group's mAP
    # that a new training of the first row beats one of the second; undefined of an interaction
    probability_of_improvement: Interval
    parts: VarianceComponents | None  # of the variance of the difference; not rounded

    @property
    def bounds(self) -> Bounds:
        """The interval that it is judged by; its own where it is not judged."""
        return self.simultaneous if self.family == PRIMARY else self.difference[1:]


def find_pairs(
    designs: Mapping[str, Mapping[str, Design]], primary: Collection[Collection[str]] | None = None
) -> list[Pair]:
    """Find the pairs of rows that differ in exactly one design, and those of ``primary``.

    The earlier row is the reference. ``designs`` has the same names for all rows.
    """
    pairs, named = [], {frozenset(pair) for pair in primary or ()}
    for reference, row in combinations(designs, 2):
        before, after = designs[reference], designs[row]
        changes = {name: words(before[name], after[name]) for name in after if after[name] != before[name]}
        if len(changes) == 1 or {reference, row} in named:
            pairs.append(pair_of(changes, row, reference))
    return pairs


def pair_of(changes: Mapping[str, tuple[str, str]], row: str, reference: str) -> Pair:
    """Return two rows by what they differ in, with its values in the reference and in the row.

    Rows that differ in several things, or in none, are called by their names.
    """
    values = next(iter(changes.values())) if len(changes) == 1 else (reference, row)
    return Pair(AND.join(changes) or "nothing", " → ".join(values), row, reference)


def words(before: Design, after: Design) -> tuple[str, str]:
    """Name what two rows have of a design; by the names of params.yaml where a table would show the same."""
    if before.text == after.text:
        return before.name, after.name
    return before.text or "off", after.text or "off"


def find_interactions(pairs: Sequence[Pair]) -> list[Interaction]:
    """Find two pairs of one change whose rows are pairs of another: a square of four rows."""
    linked = {(pair.reference, pair.row): pair for pair in pairs}
    squares, seen = [], set()
    for first, second in combinations(pairs, 2):
        if (first.design, first.change) != (second.design, second.change):
            continue
        side = linked.get((first.reference, second.reference))
        corners = frozenset((*first.rows, *second.rows))
        if side and linked.get((first.row, second.row)) and corners not in seen:
            seen.add(corners)
            squares.append(Interaction(first, second, side))
    return squares


def measure(
    comparisons: Sequence[Pair | Interaction], table: ScoredTable, primary: Collection[Collection[str]] | None
) -> list[Measured]:
    """Estimate the contrasts of a table, the primary ones first.

    ``primary`` are the names of two rows each; None: those whose rows all have a published figure.
    """
    named = None if primary is None else {frozenset(pair) for pair in primary}
    measured = []
    for comparison in comparisons:
        published = table.published_sum(comparison.weights)
        is_primary = published is not None if named is None else frozenset(comparison.rows) in named
        one = Measured(
            what=comparison.design,
            change=comparison.change,
            rows=comparison.rows,
            family=PRIMARY if is_primary else EXPLORATORY,
            published=published,
            estimates={group: table.contrast(comparison.weights, mean) for group, mean in TESTED.items()},
        )
        measured.append(one)
    return sorted(measured, key=lambda one: one.family == EXPLORATORY)


def judge(
    tables: Sequence[Sequence[Measured]], level: float, evidence: Evidence
) -> tuple[Family, list[list[Contrast]]]:
    """Judge the primary contrasts of all tables as one family; of the others there are no verdicts.

    1 - ``level`` is the error rate of the family. Returns the family, and the contrasts of each table.
    """
    primary = [one.estimates["mAP"] for table in tables for one in table if one.family == PRIMARY]
    family = Family(level, evidence.margin, family_size(primary), evidence.looks or ())
    return family, [[_contrast(one, family) for one in table] for table in tables]


Member = TypeVar("Member", bound=Tested)


def published_steps(contrasts: Sequence[Member]) -> list[Member]:
    """Choose the primary contrasts; all where there is none."""
    return [contrast for contrast in contrasts if contrast.family == PRIMARY] or list(contrasts)


def _contrast(one: Measured, family: Family) -> Contrast:
    estimate, level = one.estimates["mAP"], family.level
    groups = {group: each.rounded(level) for group, each in one.estimates.items() if group != "mAP"}
    improvement = Interval(None, None, None)
    if len(one.rows) == 2:
        improvement = Interval(*map(rounded, probability_of_improvement(estimate, level)))
    if one.family == EXPLORATORY:  # nobody declared it: it is looked at by itself, and not judged
        family = replace(family, tests=1, looks=())
    judged = explored(estimate) if one.family == EXPLORATORY else family.judge(estimate)
    return Contrast(
        **{field.name: getattr(one, field.name) for field in fields(Tested)},
        **vars(judged),
        difference=estimate.rounded(level),
        p=rounded(estimate.p_value()) if estimate.seeds >= MIN_SEEDS else None,
        published=one.published,
        detectable={group: family.detectable(each) for group, each in one.estimates.items()},
        groups=groups,
        probability_of_improvement=improvement,
        parts=estimate.parts,
    )
