"""Contrasts: what one design changes, from every pair of rows that differ in it alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeVar

from cxrlt_core.evidence.estimator import Estimate, Interval, VarianceComponents, probability_of_improvement
from cxrlt_core.evidence.family import MIN_SEEDS, Family, family_size, holm
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import TESTED
from cxrlt_core.system.rounding import rounded

PRIMARY, EXPLORATORY = "primary", "exploratory"


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
    family: str  # primary (all rows published) or exploratory


@dataclass(frozen=True)
class Contrast(Tested):
    """What a comparison shows; differences of mAP, None where undefined or withheld."""

    difference: Interval
    simultaneous: tuple[float | None, float | None]  # low, high; all intervals of the family hold together
    p: float | None  # of no difference
    p_holm: float | None  # adjusted over the family
    published: float | None  # the paper's difference
    detectable: dict[str, float | None]  # minimum detectable difference, of mAP and of each class group
    groups: dict[str, Interval]  # difference of each group's mAP
    # that a new training of the first row beats one of the second; undefined of an interaction
    probability_of_improvement: Interval
    parts: VarianceComponents | None  # of the variance of the difference; not rounded
    verdict: str


def find_pairs(designs: Mapping[str, Mapping[str, Design]]) -> list[Pair]:
    """Find the pairs of rows that differ in exactly one design; the earlier row is the reference.

    ``designs`` has the same names for all rows.
    """
    pairs = []
    for reference, row in combinations(designs, 2):
        before, after = designs[reference], designs[row]
        differing = [name for name in after if after[name] != before[name]]
        if len(differing) == 1:
            name = differing[0]
            pairs.append(pair_of({name: words(before[name], after[name])}, row, reference))
    return pairs


def pair_of(change: Mapping[str, tuple[str, str]], row: str, reference: str) -> Pair:
    """Return two rows that differ in one thing: what, and its values in the reference and in the row."""
    [(what, values)] = change.items()
    return Pair(what, " → ".join(values), row, reference)


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


def test_contrasts(
    comparisons: Sequence[Pair | Interaction], table: ScoredTable, negligible: float
) -> list[Contrast]:
    """Test the contrasts of a table: those of published rows as one family, the others as another.

    1 - the level of the table is the error rate of a family; differences up to ``negligible`` are too small
    to matter, either way. Returns the primary family, then the exploratory one.
    """
    contrasts = []
    for name in (PRIMARY, EXPLORATORY):
        members = [comparison for comparison in comparisons if _family(comparison, table) == name]
        estimates = [
            {group: table.contrast(comparison.weights, mean) for group, mean in TESTED.items()}
            for comparison in members
        ]
        all_classes = [estimate["mAP"] for estimate in estimates]
        family = Family(name, table.level, negligible, family_size(all_classes))
        adjusted = holm([estimate.p_value() for estimate in all_classes])
        for comparison, estimate, p_holm in zip(members, estimates, adjusted, strict=True):
            published = table.published_sum(comparison.weights)
            contrasts.append(_contrast(comparison, estimate, p_holm, published, family))
    return contrasts


Member = TypeVar("Member", bound=Tested)


def published_steps(contrasts: Sequence[Member]) -> list[Member]:
    """Choose the primary contrasts; all where nothing is published."""
    return [contrast for contrast in contrasts if contrast.family == PRIMARY] or list(contrasts)


def _family(comparison: Pair | Interaction, table: ScoredTable) -> str:
    return PRIMARY if table.published_sum(comparison.weights) is not None else EXPLORATORY


def _contrast(
    comparison: Pair | Interaction,
    estimates: Mapping[str, Estimate],
    p_holm: float,
    published: float | None,
    family: Family,
) -> Contrast:
    estimate, level, tests = estimates["mAP"], family.level, family.tests
    enough = estimate.seeds >= MIN_SEEDS
    improvement = Interval(None, None, None)
    if isinstance(comparison, Pair):
        improvement = Interval(*map(rounded, probability_of_improvement(estimate, level)))
    return Contrast(
        what=comparison.design,
        change=comparison.change,
        rows=comparison.rows,
        family=family.name,
        difference=estimate.rounded(level),
        simultaneous=estimate.rounded(level, tests)[1:],
        p=rounded(estimate.p_value()) if enough else None,
        p_holm=rounded(p_holm) if enough else None,
        published=published,
        detectable={
            group: rounded(each.detectable(level, tests)) if enough else None
            for group, each in estimates.items()
        },
        groups={group: each.rounded(level) for group, each in estimates.items() if group != "mAP"},
        probability_of_improvement=improvement,
        parts=estimate.parts,
        verdict=family.verdict(estimate, p_holm),
    )
