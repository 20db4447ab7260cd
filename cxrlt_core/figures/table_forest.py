"""A table's mAP: estimates with intervals, the published values beside them."""

import textwrap
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.style import Sampling

SELECTED = "†"


def draw(records: Sequence[Mapping], sampling: Sampling, what: str) -> Figure:
    """Draw a line a row.

    Args:
        records: ``row`` (its label), ``mAP``, ``low``, ``high``, ``published``, ``selected``.
        sampling: what the intervals are about.
        what: was measured, and on which data.
    """
    figure, ((axes,),) = style.canvas(1.1 + 1.55 * style.LINE * len(records))
    labels = [f"{one['row']} {SELECTED if one['selected'] else ''}".rstrip() for one in records]
    style.lines(axes, [textwrap.fill(label, 36) for label in labels])
    for y, one in enumerate(records):
        style.interval(axes, y, one["low"], one["high"], color=style.DARK, lw=2.2)
        if one["mAP"] is not None:
            inside = "white" if one["selected"] else style.DARK
            axes.plot(one["mAP"], y, "o", color=style.DARK, markerfacecolor=inside, ms=6.5)
        if one["published"] is not None:
            axes.plot(one["published"], y, zorder=4, **style.PUBLISHED)
    if records[0]["mAP"] is not None:
        axes.axvline(records[0]["mAP"], color=style.MUTED, linewidth=0.8, linestyle="--", zorder=1)
    axes.plot([], [], "o", color=style.DARK, ms=6.5, label="ours")
    if any(one["selected"] for one in records):
        label = f"ours, {SELECTED} scored on what it was selected upon"
        axes.plot([], [], "o", color=style.DARK, markerfacecolor="white", ms=6.5, label=label)
    if any(one["published"] is not None for one in records):
        axes.plot([], [], label="published", **style.PUBLISHED)
    axes.set_xlabel(f"{what}\n{sampling.text}; dashed: row 1")
    style.column(axes, "ours", [style.plain(one["mAP"], 4) for one in records], style.FIRST)
    style.column(axes, "published", [style.plain(one["published"], 4) for one in records], style.SECOND)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def caption(records: Sequence[Mapping], sampling: Sampling, what: str) -> str:
    """Name the best row, how many cannot be told from it at a glance, and where the published best stands."""
    known = [one for one in records if one["mAP"] is not None]
    if not known:
        return f"No {what} is defined."
    best = max(known, key=lambda one: one["mAP"])
    text = f"Highest {what}: row {best['row']}, {style.plain(best['mAP'], 4)}"
    text += f" [{style.plain(best['low'], 4)}, {style.plain(best['high'], 4)}]"
    text += f" {SELECTED}." if best["selected"] else "."
    published = [one for one in records if one["published"] is not None]
    if published:
        paper = max(published, key=lambda one: one["published"])
        text += f" Published: row {paper['row']}, {style.plain(paper['published'], 4)}."
    return f"{text} Rows share their patients: differences are surer than these intervals look."
