"""What one design does to each class: differences of average precision."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.style import Sampling


def draw(records: Sequence[Mapping], sampling: Sampling, what: str) -> Figure:
    """Draw a line a class.

    Args:
        records: ``class``, ``group``, ``prevalence``, ``patients`` (positive ones), ``difference``, ``low``,
            ``high``.
        sampling: what the intervals are about.
        what: the design, its change and the data.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(0.9 + style.LINE * len(records))
    style.lines(axes, [one["class"] for one in records])
    style.shade_groups(axes, records)
    points(axes, records)
    axes.set_xlabel(
        f"difference of average precision, {what}\n{sampling.text}; each for itself, filled: 0 is outside"
    )
    style.column(axes, "Δ AP", [style.signed(one["difference"]) for one in records], style.FIRST)
    style.column(axes, "positive\npatients", [f"{one['patients']:,}" for one in records], style.SECOND)
    return figure


def points(axes: Axes, records: Sequence[Mapping]) -> None:
    """Draw differences of classes; filled where the interval leaves out 0."""
    axes.axvline(0, color=style.MUTED, linewidth=0.8, zorder=1)
    for y, one in enumerate(records):
        colour, mark, _ = style.OF_GROUP[one["group"]]
        style.interval(axes, y, one["low"], one["high"], color=colour, lw=1.6)
        if one["difference"] is not None:
            inside = colour if clear(one) else "white"
            axes.plot(one["difference"], y, mark, color=colour, markerfacecolor=inside, zorder=3)


def clear(one: Mapping) -> bool:
    """Whether an interval is known and leaves out 0."""
    return one["low"] is not None and not one["low"] <= 0 <= one["high"]


def caption(records: Sequence[Mapping], sampling: Sampling, what: str) -> str:
    """Count the classes whose interval leaves out 0 and name the largest gain and loss."""
    known = sorted((r for r in records if r["difference"] is not None), key=lambda r: -r["difference"])
    if not known:
        return f"No difference of a class is defined ({what})."
    up, down = (sum(clear(r) and sign * r["difference"] > 0 for r in known) for sign in (1, -1))
    most, least = known[0], known[-1]
    return (
        f"{what[0].upper()}{what[1:]}: {up} of {len(known)} classes gain and {down} lose by more than their "
        f"interval (filled); about {(1 - sampling.level) * len(known):.1f} would without any effect. Most: "
        f"{most['class']} {style.signed(most['difference'])}; least: {least['class']} "
        f"{style.signed(least['difference'])}."
    )
