"""A table's mAP: estimates with intervals, the published values beside them."""

import textwrap
from collections.abc import Iterator
from typing import Any

from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table
from cxrlt_core.system import text

SELECTED = "†"


def show(results: Results) -> Iterator[Picture]:
    """Show both tables."""
    for table in results.tables:
        beside = ", ours and published" if table.has_published else ""
        alt = f"Dots with intervals: mAP of the rows of {table.title}{beside}."
        drawing = draw(table, style.sampling(results))
        yield Picture(table.name, Section(table.name), 1, alt, drawing, caption(table), records(table))


def records(table: Table) -> list[dict[str, Any]]:
    """Return a line for each row."""
    return [
        {
            "row": label,
            **style.bounds(row.mean_ap, "mAP"),
            "published": row.published,
            "selected": row.selected,
        }
        for label, row in zip(table.labels(), table.rows, strict=True)
    ]


def draw(table: Table, sampling: str) -> Figure:
    """Draw a line a row."""
    rows = table.rows
    marks = [SELECTED if row.selected else "" for row in rows]
    labels = [f"{label} {mark}".rstrip() for label, mark in zip(table.labels(), marks, strict=True)]
    figure, axes = style.lined([textwrap.fill(label, 36) for label in labels], 1.1, 1.55 * style.LINE)
    dot = {"marker": "o", "linestyle": "none", "color": style.DARK, "ms": 6.5}
    for y, row in enumerate(rows):
        inside = "white" if row.selected else style.DARK
        style.estimate(axes, y, row.mean_ap, 2.2, markerfacecolor=inside, **dot)
        if row.published is not None:
            axes.plot(row.published, y, zorder=4, **style.PUBLISHED)
    if rows[0].mean_ap.point is not None:
        axes.axvline(rows[0].mean_ap.point, color=style.MUTED, linewidth=0.8, linestyle="--", zorder=1)
    axes.plot([], [], label="ours", **dot)
    if any(marks):
        label = f"ours, {SELECTED} scored on what it was selected upon"
        axes.plot([], [], markerfacecolor="white", label=label, **dot)
    if table.has_published:
        axes.plot([], [], label="published", **style.PUBLISHED)
        style.column(axes, "published", [text.number(row.published) for row in rows], style.SECOND)
    axes.set_xlabel(f"mAP, {table.data} set\n{sampling}; dashed: row 1")
    style.column(axes, "ours", [text.number(row.mean_ap.point) for row in rows], style.FIRST)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def caption(table: Table) -> str:
    """Name the best row, and where the published best stands."""
    what, labelled = f"mAP, {table.data} set", list(zip(table.labels(), table.rows, strict=True))
    known = [(label, row) for label, row in labelled if row.mean_ap.point is not None]
    if not known:
        return f"No {what} is defined."
    label, best = max(known, key=lambda entry: entry[1].mean_ap.point)
    point, low, high = map(text.number, best.mean_ap)
    words = f"Highest {what}: row {label}, {point} [{low}, {high}]{f' {SELECTED}' if best.selected else ''}."
    published = [(label, row.published) for label, row in labelled if row.published is not None]
    if published:
        label, value = max(published, key=lambda entry: entry[1])
        words += f" Published: row {label}, {text.number(value)}."
    return f"{words} Rows share their patients: differences are surer than these intervals look."
