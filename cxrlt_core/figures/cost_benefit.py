"""What a row of the tables costs to train, against its mAP."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.style import Sampling

UNITS = ((7200, 3600, "hours"), (600, 60, "minutes"), (0, 1, "seconds"))
GAP = 0.06  # least distance of two numbers, in heights of a panel


def draw(records: Sequence[Mapping], sampling: Sampling, device: str) -> Figure:
    """Draw a panel a table; a number is that of the row.

    Args:
        records: ``table`` (its title), ``number``, ``row``, ``seconds`` of training with one seed, ``mAP``,
            ``low``, ``high``.
        sampling: what the intervals are about.
        device: the machine that was timed.
    """
    tables = list(dict.fromkeys(one["table"] for one in records))
    figure, axes = style.canvas(4.1, nrows=1, ncols=len(tables))
    _, unit, name = next(u for u in UNITS if max(one["seconds"] for one in records) >= u[0])
    for panel, table in zip(axes[0], tables, strict=True):
        its = [one for one in records if one["table"] == table and one["mAP"] is not None]
        for one in its:
            x = one["seconds"] / unit
            if one["low"] is not None:
                panel.plot([x, x], [one["low"], one["high"]], color="#b5c3d1", linewidth=1, zorder=2)
            panel.plot(x, one["mAP"], "o", color=style.DARK, zorder=3)
        panel.set_xlim(0, 1.25 * max((one["seconds"] / unit for one in its), default=1))
        _number(panel, {one["number"]: (one["seconds"] / unit, one["mAP"]) for one in its})
        panel.set_title(table)
        panel.set_xlabel(f"{name} of training, one seed")
        panel.set_ylabel("mAP")
    figure.supxlabel(f"{device}; {sampling.text}", fontsize=9)
    return figure


def _number(axes: Axes, points: Mapping[int, tuple[float, float]]) -> None:
    """Write numbers right of points, apart from each other, with a line to what they name."""
    low, high = axes.get_ylim()
    right = max((x for x, _ in points.values()), default=0) + 0.05 * axes.get_xlim()[1]
    at = -np.inf
    for number, (x, y) in sorted(points.items(), key=lambda item: item[1][1]):
        at = max(y, at + GAP * (high - low))
        line = {"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.6, "shrinkB": 3}
        axes.annotate(str(number), (x, y), (right, at), va="center", arrowprops=line)


def caption(records: Sequence[Mapping], sampling: Sampling, device: str) -> str:
    """Name the best row of each table beside the cheapest."""
    parts = []
    for table in dict.fromkeys(one["table"] for one in records):
        its = [one for one in records if one["table"] == table and one["mAP"] is not None]
        if its:
            best = max(its, key=lambda one: one["mAP"])
            cheapest = min(its, key=lambda one: (one["seconds"], -one["mAP"]))
            top = f"row {best['number']} is highest ({style.plain(best['mAP'])})"
            parts.append(f"{table}: {top}, {_against(best, cheapest)}. ")
    return f"{''.join(parts)}Prediction, which TTA multiplies, is not counted."


def _against(best: Mapping, cheapest: Mapping) -> str:
    if best is cheapest:
        return "and the cheapest to train"
    times = f"{best['seconds'] / max(cheapest['seconds'], 1e-9):.1f} times the time"
    return f"at {times} of row {cheapest['number']}, the cheapest to train ({style.plain(cheapest['mAP'])})"
