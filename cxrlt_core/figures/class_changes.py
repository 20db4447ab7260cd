"""What one design does to each class: differences of average precision."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.figures import style
from cxrlt_core.figures.picture import ClassRecord, Picture, Section
from cxrlt_core.figures.style import Sampling
from cxrlt_core.results.study import Results


@dataclass(frozen=True)
class Change(ClassRecord):
    """A difference of a class with its interval, and its positive patients."""

    patients: int
    difference: float | None
    low: float | None
    high: float | None


def show(results: Results) -> Iterator[Picture]:
    """Show the largest contrast of Table 1."""
    table = results.tables[0]
    contrast = largest(table.contrasts)
    if contrast is None:
        return
    changes = results.scored.class_numbers(dict(zip(contrast.rows, (1.0, -1.0), strict=True)))
    records = [
        Change(label, info.group, info.prevalence, table.positives[label], *changes[label])
        for label, info in results.classes.items()
    ]
    settings = (records, Sampling.of(results), f"{contrast.what} {contrast.change}, {table.data} set")
    alt = "Forest plot: change of average precision, a line a class."
    yield Picture("class_changes", Section.CHANGES, 1, alt, draw(*settings), caption(*settings), records)


def largest(contrasts: Sequence[Contrast]) -> Contrast | None:
    """Return the pair with the largest difference, a resolved one if there is any."""
    pairs = [c for c in contrasts if len(c.rows) == 2 and c.difference.point is not None]
    resolved = [c for c in pairs if c.verdict.startswith("resolved")]
    return max(resolved or pairs, key=lambda c: abs(c.difference.point), default=None)


def draw(records: Sequence[Change], sampling: Sampling, what: str) -> Figure:
    """Draw a line a class.

    Args:
        records: of the classes.
        sampling: what the intervals are about.
        what: the design, its change and the data.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(0.9 + style.LINE * len(records))
    style.lines(axes, [record.label for record in records])
    style.shade_groups(axes, records)
    points(axes, records)
    axes.set_xlabel(
        f"difference of average precision, {what}\n{sampling.text}; each for itself, filled: 0 is outside"
    )
    style.column(axes, "Δ AP", [style.signed(record.difference) for record in records], style.FIRST)
    style.column(axes, "positive\npatients", [f"{record.patients:,}" for record in records], style.SECOND)
    return figure


class Difference(Protocol):
    """A record with the change of a class."""

    group: str
    difference: float | None
    low: float | None
    high: float | None


def clear(record: Difference) -> bool:
    """Whether the interval is known and leaves out 0."""
    return record.low is not None and not record.low <= 0 <= record.high


def points(axes: Axes, records: Sequence[Difference]) -> None:
    """Draw differences of classes; filled where the interval leaves out 0."""
    axes.axvline(0, color=style.MUTED, linewidth=0.8, zorder=1)
    for y, record in enumerate(records):
        colour, mark, _ = style.OF_GROUP[record.group]
        style.interval(axes, y, record.low, record.high, color=colour, lw=1.6)
        if record.difference is not None:
            inside = colour if clear(record) else "white"
            axes.plot(record.difference, y, mark, color=colour, markerfacecolor=inside, zorder=3)


def caption(records: Sequence[Change], sampling: Sampling, what: str) -> str:
    """Count the classes whose interval leaves out 0 and name the largest gain and loss."""
    known = sorted((r for r in records if r.difference is not None), key=lambda r: -r.difference)
    if not known:
        return f"No difference of a class is defined ({what})."
    up, down = (sum(clear(r) and sign * r.difference > 0 for r in known) for sign in (1, -1))
    most, least = known[0], known[-1]
    return (
        f"{what[0].upper()}{what[1:]}: {up} of {len(known)} classes gain and {down} lose by more than their "
        f"interval (filled); about {(1 - sampling.level) * len(known):.1f} would without any effect. Most: "
        f"{most.label} {style.signed(most.difference)}; "
        f"least: {least.label} {style.signed(least.difference)}."
    )
