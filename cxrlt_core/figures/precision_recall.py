"""Precision against recall of the tail classes."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.figure import Figure

from cxrlt_core.figures import style

MARKED = 40  # points up to which each has a mark


def draw(records: Sequence[Mapping], classes: Sequence[Mapping], row: str) -> Figure:
    """Draw a curve a class, highest average precision first.

    Args:
        records: ``class``, ``recall``, ``precision``: the points where a positive is found.
        classes: ``class``, ``AP``, ``positive``, of those that have points.
        row: what was scored, and on which data.
    """
    figure, ((axes,),) = style.canvas(4.4)
    order = sorted(classes, key=lambda one: -one["AP"])
    for one, look in zip(order, cycle(style.SERIES), strict=False):
        its = [point for point in records if point["class"] == one["class"]]
        x, y = ([point[key] for point in its] for key in ("recall", "precision"))
        label = f"{one['class']}: AP {one['AP']:.3f}, {one['positive']:,} positives"
        size = 4.5 if len(x) <= MARKED else 0
        look = {**look, "markersize": size, "markevery": slice(1, None)}  # the first point is an end, no find
        axes.plot([0, *x], [y[0], *y], drawstyle="steps-pre", label=label, **look)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel(f"recall\n{row}; a mark: a positive is found")
    axes.set_ylabel("precision")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def caption(records: Sequence[Mapping], classes: Sequence[Mapping], row: str) -> str:
    """Say what is found where half of the positives are found, best and worst."""
    halves = {
        one["class"]: max(
            p["precision"] for p in records if p["class"] == one["class"] and p["recall"] >= 0.5
        )
        for one in classes
    }
    best, worst = max(halves, key=halves.get), min(halves, key=halves.get)
    text = (
        f"Tail classes, {row}: to find half of the positives, {_alarms(halves[best])} is right for {best} "
        f"and {_alarms(halves[worst])} for {worst}."
    )
    if best == worst:
        text = (
            f"Tail class, {row}: to find half of the positives of {best}, {_alarms(halves[best])} is right."
        )
    few = min(one["positive"] for one in classes)
    return f"{text} With as few as {few} positives the curves are coarse."


def _alarms(precision: float) -> str:
    return f"one alarm in {1 / precision:.1f}" if precision < 1 else "every alarm"
