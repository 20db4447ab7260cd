"""Which models an ensemble averages for each class, and how sure that choice is."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style


def draw(records: Sequence[Mapping], models: Sequence[str], row: str) -> Figure:
    """Draw a table of classes by models: the darker, the more often chosen again; a dot: chosen.

    Args:
        records: ``class``, ``group``, ``prevalence``, ``stability``, and for each model ``<model>`` (its
            weight) and ``<model>_again`` (share of resampled development sets that choose it).
        models: their names.
        row: the ensemble.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(2.3 + 0.85 * style.LINE * len(records))
    again = np.array([[one[f"{name}_again"] for name in models] for one in records], float)
    shown = axes.imshow(again, cmap=style.SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    style.lines(axes, [one["class"] for one in records])
    axes.grid(visible=False)
    for y, one in enumerate(records):
        for x, name in enumerate(models):
            if one[name]:
                axes.plot(x, y, "o", color="white", markeredgecolor=style.INK, markersize=5)
        if y and one["group"] != records[y - 1]["group"]:
            axes.axhline(y - 0.5, color=style.MUTED, linewidth=0.8)
    axes.set_xticks(range(len(models)), [name.replace("_", " ") for name in models], rotation=35, ha="right")
    axes.tick_params(axis="x", length=0)
    axes.plot([], [], "o", color="white", markeredgecolor=style.INK, label=f"in {row}, with any seed")
    style.column(axes, "stability", [_percent(one["stability"]) for one in records], style.FIRST)
    bar = figure.colorbar(shown, ax=axes, shrink=0.6, aspect=30, pad=0.02, format=lambda v, _: f"{v:.0%}")
    bar.set_label("resampled development sets that choose the model")
    bar.outline.set_visible(False)
    figure.legend(loc="outside upper right")
    return figure


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def caption(records: Sequence[Mapping], models: Sequence[str], row: str) -> str:
    """Say how stable the choice is, and which models it leans on."""
    stable = [one for one in records if one["stability"] is not None]
    if not stable:
        return f"{row} has no choice to make."
    worst = sorted(stable, key=lambda one: one["stability"])[:3]
    counts = {name: sum(one[name] > 0 for one in records) for name in models}
    often = sorted(counts, key=lambda name: -counts[name])[:2]
    mean = np.mean([one["stability"] for one in stable])
    least = style.sentence([f"{one['class']} ({one['stability']:.0%})" for one in worst])
    used = style.sentence([f"{name} ({counts[name]} of {len(records)} classes)" for name in often])
    return (
        f"{row}: other development patients would choose {mean:.0%} of a class's models again; least "
        f"{least}. Most used: {used}."
    )
