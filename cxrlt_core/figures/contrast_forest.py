"""What each design changes: differences with intervals, ours and the published ones."""

from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.style import Sampling

#: Verdict to its mark and what fills it.
MARKS = {
    "resolved up": {"marker": "^", "markerfacecolor": style.DARK},
    "resolved down": {"marker": "v", "markerfacecolor": style.DARK},
    "negligible": {"marker": "s", "markerfacecolor": style.LIGHT},
}
OPEN = {"marker": "o", "markerfacecolor": "white"}  # nothing was found, or nothing can be


def draw(records: Sequence[Mapping], sampling: Sampling, negligible: float, what: str) -> Figure:
    """Draw a line a contrast; thin ends are intervals that all hold together.

    Args:
        records: ``what``, ``change``, ``rows``, ``family``, ``difference``, ``low``, ``high``,
            ``simultaneous_low``, ``simultaneous_high``, ``published``, ``verdict``.
        sampling: what the intervals are about.
        negligible: a difference that is too small to matter.
        what: was measured, and on which data.
    """
    figure, ((axes,),) = style.canvas(1.1 + 1.55 * style.LINE * len(records))
    style.lines(axes, [f"{one['what']}  ({one['rows']})\n{one['change']}" for one in records])
    axes.axvspan(-negligible, negligible, color=style.FAINT, linewidth=0, zorder=0)
    axes.axvline(0, color=style.MUTED, linewidth=0.8, zorder=1)
    for y, one in enumerate(records):
        style.interval(axes, y, one["simultaneous_low"], one["simultaneous_high"], color=style.DARK, lw=0.8)
        style.interval(axes, y, one["low"], one["high"], color=style.DARK, lw=2.4)
        if one["difference"] is not None:
            axes.plot(one["difference"], y, **mark(one["verdict"]))
        if one["published"] is not None:
            axes.plot(one["published"], y, zorder=4, **style.PUBLISHED)
        if y and one["family"] != records[y - 1]["family"]:
            axes.axhline(y - 0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
            style.corner(axes, y, one["family"])
    verdicts = dict.fromkeys(one["verdict"] for one in records)
    for verdict in verdicts:
        axes.plot([], [], label=verdict, **mark(verdict))
    if any(one["published"] is not None for one in records):
        axes.plot([], [], label="published", **style.PUBLISHED)
    axes.set_xlabel(f"difference of {what}\n{sampling.text}; thin: all of a table hold together")
    style.column(axes, "ours", [style.signed(one["difference"], 4) for one in records], style.FIRST)
    style.column(axes, "published", [style.signed(one["published"], 4) for one in records], style.SECOND)
    figure.legend(loc="outside upper right", ncols=len(verdicts) + 1)
    return figure


def mark(verdict: str) -> dict[str, object]:
    """Return how the point of a verdict looks."""
    return {**MARKS.get(verdict, OPEN), "color": style.DARK, "linestyle": "none", "markersize": 6.5}


def caption(records: Sequence[Mapping], sampling: Sampling, negligible: float, what: str) -> str:
    """Count the verdicts and name the largest difference; all by the intervals that hold together."""
    known = [one for one in records if one["difference"] is not None]
    if not known:
        return f"No difference of {what} is defined."
    largest = max(known, key=lambda one: abs(one["difference"]))
    counts = Counter(one["verdict"] for one in records)
    told = ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common())
    between = style.spelled(largest["simultaneous_low"], largest["simultaneous_high"], 4)
    outside = [one for one in known if _outside(one)]
    return (
        f"{len(records)} differences of {what}; verdicts: {told}. Largest: {largest['what']} "
        f"({largest['change']}) {style.signed(largest['difference'], 4)}{between}. "
        f"{_published(known, outside)}Grey band: differences within ±{negligible:g} are negligible."
    )


def _outside(one: Mapping) -> bool:
    """Whether the published difference lies outside our interval."""
    low, high = one["simultaneous_low"], one["simultaneous_high"]
    return None not in (one["published"], low) and not low <= one["published"] <= high


def _published(known: Sequence[Mapping], outside: Sequence[Mapping]) -> str:
    total = sum(one["published"] is not None for one in known)
    return f"{len(outside)} of {total} published differences lie outside our thin line. " if total else ""
