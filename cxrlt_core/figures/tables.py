"""A table's mAP: estimates with intervals, the published values beside them."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.figures.style import Sampling
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table
from cxrlt_core.system import text

SELECTED = "†"


@dataclass(frozen=True)
class Line:
    """A row by number and designs; ``selected``: it is scored on what it was selected upon."""

    row: str
    mAP: float | None
    low: float | None
    high: float | None
    published: float | None
    selected: bool


def show(results: Results) -> Iterator[Picture]:
    """Show both tables."""
    for table in results.tables:
        settings = (lines(table), Sampling.of(results), f"mAP, {table.data} set")
        alt = f"Dots with intervals: mAP of the rows of {table.title}, ours and published."
        section = Section(table.name)
        yield Picture(table.name, section, 1, alt, draw(*settings), caption(*settings), settings[0])


def lines(table: Table) -> list[Line]:
    """Return a record for each row."""
    return [
        Line(label, *(row.metrics[f"mAP{end}"] for end in ("", "_low", "_high")), row.published, row.selected)
        for label, row in zip(table.labels(), table.rows, strict=True)
    ]


def draw(records: Sequence[Line], sampling: Sampling, what: str) -> Figure:
    """Draw a line a row.

    Args:
        records: of the rows.
        sampling: what the intervals are about.
        what: was measured, and on which data.
    """
    figure, ((axes,),) = style.canvas(1.1 + 1.55 * style.LINE * len(records))
    labels = [f"{line.row} {SELECTED if line.selected else ''}".rstrip() for line in records]
    style.lines(axes, [textwrap.fill(label, 36) for label in labels])
    for y, line in enumerate(records):
        style.interval(axes, y, line.low, line.high, color=style.DARK, lw=2.2)
        if line.mAP is not None:
            inside = "white" if line.selected else style.DARK
            axes.plot(line.mAP, y, "o", color=style.DARK, markerfacecolor=inside, ms=6.5)
        if line.published is not None:
            axes.plot(line.published, y, zorder=4, **style.PUBLISHED)
    if records[0].mAP is not None:
        axes.axvline(records[0].mAP, color=style.MUTED, linewidth=0.8, linestyle="--", zorder=1)
    axes.plot([], [], "o", color=style.DARK, ms=6.5, label="ours")
    if any(line.selected for line in records):
        label = f"ours, {SELECTED} scored on what it was selected upon"
        axes.plot([], [], "o", color=style.DARK, markerfacecolor="white", ms=6.5, label=label)
    if any(line.published is not None for line in records):
        axes.plot([], [], label="published", **style.PUBLISHED)
    axes.set_xlabel(f"{what}\n{sampling.text}; dashed: row 1")
    style.column(axes, "ours", [text.number(line.mAP) for line in records], style.FIRST)
    style.column(axes, "published", [text.number(line.published) for line in records], style.SECOND)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def caption(records: Sequence[Line], sampling: Sampling, what: str) -> str:
    """Name the best row, how many cannot be told from it at a glance, and where the published best stands."""
    known = [line for line in records if line.mAP is not None]
    if not known:
        return f"No {what} is defined."
    best = max(known, key=lambda line: line.mAP)
    words = f"Highest {what}: row {best.row}, {text.number(best.mAP)}"
    words += f" [{text.number(best.low)}, {text.number(best.high)}]"
    words += f" {SELECTED}." if best.selected else "."
    published = [line for line in records if line.published is not None]
    if published:
        paper = max(published, key=lambda line: line.published)
        words += f" Published: row {paper.row}, {text.number(paper.published)}."
    return f"{words} Rows share their patients: differences are surer than these intervals look."
