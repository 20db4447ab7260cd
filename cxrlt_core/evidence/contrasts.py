"""Contrasts: what one design changes, from every pair of rows that differ in it alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

from cxrlt_core.evidence.scoring import Score
from cxrlt_core.evidence.uncertainty import Sampled, holm
from cxrlt_core.labels import GROUPS
from cxrlt_core.system.rounding import rounded

UP, DOWN, UNRESOLVED = "resolved up", "resolved down", "unresolved"
NOT_MEASURED = "training noise not measured"


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


@dataclass(frozen=True)
class Interaction:
    """Four rows: how the effect of one design depends on another."""

    first: Pair
    second: Pair
    design: str
    change: str


@dataclass(frozen=True)
class Contrast:
    """What a pair, or an interaction, shows; differences of mAP, None where undefined.

    Attributes:
        what: the design, or both.
        change: its values.
        rows: names, the reference last.
        difference: point, low, high.
        p: of no difference.
        p_holm: adjusted over the family.
        published: the paper's difference.
        detectable: minimum detectable difference, of mAP and of each class group.
        groups: difference of each group's mAP.
        verdict: in words.
    """

    what: str
    change: str
    rows: list[str]
    difference: list[float | None]
    p: float | None
    p_holm: float | None
    published: float | None
    detectable: dict[str, float | None]
    groups: dict[str, list[float | None]]
    verdict: str


def find_pairs(designs: Mapping[str, Mapping[str, str]], together: Collection[str] = ()) -> list[Pair]:
    """Find the pairs of rows that differ in exactly one design; the earlier row is the reference.

    Args:
        designs: row to design to its value, the same designs for all rows.
        together: rows that are compared with each other even where they differ in several.
    """
    pairs = []
    for reference, row in combinations(designs, 2):
        differing = [d for d in designs[row] if designs[row][d] != designs[reference][d]]
        if len(differing) == 1 or (differing and {row, reference} <= set(together)):
            values = [
                [names[design] or "off" for design in differing]
                for names in (designs[reference], designs[row])
            ]
            before, after = (", ".join(its) for its in values)
            pairs.append(Pair(" + ".join(differing), f"{before} → {after}", row, reference))
    return pairs


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


def judge(
    pairs: Sequence[Pair],
    interactions: Sequence[Interaction],
    scores: Mapping[str, Score],
    published: Mapping[str, float | None],
    level: float,
) -> list[Contrast]:
    """Estimate all contrasts of a table, which are one family.

    Args:
        pairs: from :func:`find_pairs`.
        interactions: from :func:`find_interactions`.
        scores: of each row, on the same resamples.
        published: mAP of each row in the paper.
        level: coverage of the intervals; 1 - level is the error rate of the family.
    """
    found = [_of_pair(pair, scores, published) for pair in pairs]
    found += [_of_interaction(one, scores, published) for one in interactions]
    p_values = [gaps["mAP"].p_value(level) for _, _, _, gaps, _ in found]
    return [
        Contrast(
            what=what,
            change=change,
            rows=rows,
            difference=_numbers(gaps["mAP"], level),
            p=rounded(p),
            p_holm=rounded(adjusted),
            published=rounded(paper),
            detectable={name: rounded(gap.detectable(level, len(found))) for name, gap in gaps.items()},
            groups={name: _numbers(gap, level) for name, gap in gaps.items() if name != "mAP"},
            verdict=verdict(gaps["mAP"], adjusted, level),
        )
        for (what, change, rows, gaps, paper), p, adjusted in zip(
            found, p_values, holm(p_values), strict=True
        )
    ]


def verdict(gap: Sampled, p_holm: float, level: float) -> str:
    """Say what a difference shows; with one seed nothing is said of trainings."""
    if len(gap.points) == 1:
        return NOT_MEASURED
    if not p_holm <= 1 - level:
        return UNRESOLVED
    return UP if gap.point > 0 else DOWN


def to_json(contrasts: Sequence[Contrast]) -> list[dict]:
    """Contrasts as plain values."""
    return [asdict(contrast) for contrast in contrasts]


def _of_pair(pair: Pair, scores: Mapping[str, Score], published: Mapping[str, float | None]) -> tuple:
    gaps = _gaps(pair, scores)
    return pair.design, pair.change, [pair.row, pair.reference], gaps, _paper(pair, published)


def _of_interaction(
    one: Interaction, scores: Mapping[str, Score], published: Mapping[str, float | None]
) -> tuple:
    first, second = _gaps(one.first, scores), _gaps(one.second, scores)
    papers = _paper(one.first, published), _paper(one.second, published)
    return (
        f"{one.first.design} × {one.design}",
        f"{one.first.change}, by {one.change}",
        [one.second.row, one.second.reference, one.first.row, one.first.reference],
        {name: second[name] - first[name] for name in first},
        None if None in papers else papers[1] - papers[0],
    )


def _gaps(pair: Pair, scores: Mapping[str, Score]) -> dict[str, Sampled]:
    names = ("mAP", *(f"mAP_{group}" for group in GROUPS))
    return {name: scores[pair.row][name] - scores[pair.reference][name] for name in names}


def _paper(pair: Pair, published: Mapping[str, float | None]) -> float | None:
    row, reference = published[pair.row], published[pair.reference]
    return None if row is None or reference is None else row - reference


def _numbers(gap: Sampled, level: float) -> list[float | None]:
    return [rounded(value) for value in (gap.point, *gap.interval(level))]
