"""Contrasts: what one design changes, from every pair of rows that differ in it alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

from cxrlt_core.evidence.estimator import Estimate
from cxrlt_core.evidence.family import MIN_SEEDS, family_size, holm, verdict
from cxrlt_core.evidence.probability_of_improvement import probability_of_improvement
from cxrlt_core.evidence.scoring import TESTED, Score, contrast
from cxrlt_core.evidence.seed_variance import SeedVarianceModel
from cxrlt_core.system.rounding import or_none, rounded

PRIMARY, EXPLORATORY = "primary", "exploratory"


@dataclass(frozen=True)
class Design:
    """What a row has of one design; two are equal where their contents are.

    Attributes:
        text: as a table shows it, empty where it is off.
        content: all that it stands for.
        name: as params.yaml has it; tells apart what the text does not.
    """

    text: str = field(compare=False)
    content: Any
    name: str = field(default="", compare=False)


@dataclass(frozen=True)
class Pair:
    """Two rows that differ in one design.

    Attributes:
        design: its name.
        change: its value in both rows: ``2 → 3``.
        row: name of the row with the change.
        reference: name of the row without.
    """

    design: str
    change: str
    row: str
    reference: str

    @property
    def weights(self) -> dict[str, float]:
        """Row to its weight in the difference."""
        return {self.row: 1.0, self.reference: -1.0}


@dataclass(frozen=True)
class Interaction:
    """Four rows: how the effect of one design depends on another."""

    first: Pair
    second: Pair
    design: str
    change: str

    @property
    def weights(self) -> dict[str, float]:
        """Row to its weight in the difference of differences."""
        return self.second.weights | {row: -weight for row, weight in self.first.weights.items()}


@dataclass(frozen=True)
class Contrast:
    """What a pair, or an interaction, shows; differences of mAP, None where undefined or withheld.

    Attributes:
        what: the design, or both.
        change: its values.
        rows: names, the reference last.
        family: primary (all rows published) or exploratory.
        difference: point, low, high.
        simultaneous: low, high; all intervals of the family hold together.
        p: of no difference.
        p_holm: adjusted over the family.
        published: the paper's difference.
        detectable: minimum detectable difference, of mAP and of each class group.
        groups: difference of each group's mAP.
        probability_of_improvement: that a new training of the first row beats one of the second: point, low,
            high; None of an interaction.
        parts: of the variance of the difference, :class:`cxrlt_core.evidence.estimator.VarianceComponents`;
            not rounded.
        verdict: in words.
    """

    what: str
    change: str
    rows: list[str]
    family: str
    difference: list[float | None]
    simultaneous: list[float | None]
    p: float | None
    p_holm: float | None
    published: float | None
    detectable: dict[str, float | None]
    groups: dict[str, list[float | None]]
    probability_of_improvement: list[float | None]
    parts: dict[str, float | None] | None
    verdict: str


@dataclass(frozen=True)
class Rules:
    """How contrasts are tested.

    Attributes:
        level: coverage of the intervals; 1 - level is the error rate of a family.
        negligible: a difference that is too small to matter, either way.
    """

    level: float
    negligible: float


def find_pairs(designs: Mapping[str, Mapping[str, Design]], together: Collection[str] = ()) -> list[Pair]:
    """Find the pairs of rows that differ in exactly one design; the earlier row is the reference.

    Args:
        designs: row to the name of each design to what it has of it, the same names for all rows.
        together: rows that are compared with each other even where they differ in several.
    """
    pairs = []
    for reference, row in combinations(designs, 2):
        before, after = designs[reference], designs[row]
        differing = [name for name in after if after[name] != before[name]]
        if len(differing) == 1 or (differing and {row, reference} <= set(together)):
            changes = [words(before[name], after[name]) for name in differing]
            change = " → ".join(", ".join(words) for words in zip(*changes, strict=True))
            pairs.append(Pair(" + ".join(differing), change, row, reference))
    return pairs


def words(before: Design, after: Design) -> tuple[str, str]:
    """Name what two rows have of a design; by the names of params.yaml where a table would show the same."""
    if before.text == after.text:
        return before.name, after.name
    return before.text or "off", after.text or "off"


def find_interactions(pairs: Sequence[Pair]) -> list[Interaction]:
    """Find two pairs of one change whose rows are pairs of another: a square of four rows."""
    linked = {(p.reference, p.row): p for p in pairs}
    squares, seen = [], set()
    for first, second in combinations(pairs, 2):
        if (first.design, first.change) != (second.design, second.change):
            continue
        side = linked.get((first.reference, second.reference))
        corners = frozenset((first.row, first.reference, second.row, second.reference))
        if side and linked.get((first.row, second.row)) and corners not in seen:
            seen.add(corners)
            squares.append(Interaction(first, second, side.design, side.change))
    return squares


def test_contrasts(
    found: Sequence[Pair | Interaction],
    scores: Mapping[str, Score],
    seed_variance: SeedVarianceModel,
    published: Mapping[str, float | None],
    rules: Rules,
) -> list[Contrast]:
    """Judge the contrasts of a table: those of published rows as one family, the others as another.

    Args:
        found: from :func:`find_pairs` and :func:`find_interactions`.
        scores: of each row, on the same resamples.
        seed_variance: of the trainings behind the rows.
        published: mAP of each row in the paper.
        rules: level, and what is negligible.

    Returns:
        The primary family, then the exploratory one.
    """
    contrasts = []
    for family in (PRIMARY, EXPLORATORY):
        chosen = [one for one in found if _family(one, published) == family]
        contrasts += _judge_family(family, chosen, scores, seed_variance, published, rules)
    return contrasts


def to_json(contrasts: Sequence[Contrast]) -> list[dict]:
    """Contrasts as plain values."""
    return [asdict(one) for one in contrasts]


def published_steps(contrasts: Sequence[Mapping]) -> list[Mapping]:
    """Choose the primary contrasts among plain values; all where nothing is published."""
    return [one for one in contrasts if one["family"] == PRIMARY] or list(contrasts)


def _family(one: Pair | Interaction, published: Mapping[str, float | None]) -> str:
    return EXPLORATORY if any(published[row] is None for row in one.weights) else PRIMARY


def _judge_family(
    family: str,
    found: Sequence[Pair | Interaction],
    scores: Mapping[str, Score],
    seed_variance: SeedVarianceModel,
    published: Mapping[str, float | None],
    rules: Rules,
) -> list[Contrast]:
    gaps = [
        {name: contrast(scores, one.weights, key, seed_variance) for name, key in TESTED.items()}
        for one in found
    ]
    points = [gap["mAP"] for gap in gaps]
    adjusted, tests = holm([point.p_value() for point in points]), family_size(points)
    tested = []
    for one, gap, p_holm in zip(found, gaps, adjusted, strict=True):
        point, given = gap["mAP"], gap["mAP"].seeds >= MIN_SEEDS
        what, change, rows = _described(one)
        tested.append(
            Contrast(
                what=what,
                change=change,
                rows=rows,
                family=family,
                difference=_numbers(point, rules.level),
                simultaneous=_numbers(point, rules.level, tests)[1:],
                p=rounded(point.p_value()) if given else None,
                p_holm=rounded(p_holm) if given else None,
                published=_paper(one, published),
                detectable={
                    name: rounded(of.detectable(rules.level, tests)) if given else None
                    for name, of in gap.items()
                },
                groups={name: _numbers(of, rules.level) for name, of in gap.items() if name != "mAP"},
                probability_of_improvement=_improvement(one, point, rules.level),
                parts=point.parts and {part: or_none(value) for part, value in asdict(point.parts).items()},
                verdict=verdict(point, p_holm, rules.level, tests, rules.negligible),
            )
        )
    return tested


def _described(one: Pair | Interaction) -> tuple[str, str, list[str]]:
    if isinstance(one, Pair):
        return one.design, one.change, [one.row, one.reference]
    rows = [one.second.row, one.second.reference, one.first.row, one.first.reference]
    return f"{one.first.design} × {one.design}", f"{one.first.change}, by {one.change}", rows


def _improvement(one: Pair | Interaction, gap: Estimate, level: float) -> list[float | None]:
    values = probability_of_improvement(gap, level) if isinstance(one, Pair) else [np.nan] * 3
    return [rounded(value) for value in values]


def _paper(one: Pair | Interaction, published: Mapping[str, float | None]) -> float | None:
    figures = [published[row] for row in one.weights]
    if None in figures:
        return None
    return rounded(sum(weight * published[row] for row, weight in one.weights.items()))


def _numbers(one: Estimate, level: float, tests: int = 1) -> list[float | None]:
    return [rounded(value) for value in (one.point, *one.interval(level, tests))]
