"""Precision against recall of the tail classes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.results.study import Results

MARKED = 40  # points up to which each has a mark


@dataclass(frozen=True)
class Point:
    """Where a positive of a class is found."""

    label: str
    recall: float
    precision: float


@dataclass(frozen=True)
class Tail:
    """A class that has points: its average precision and its positives."""

    label: str
    precision: float
    positive: int


def show(results: Results) -> Iterator[Picture]:
    """Show the ensemble whose classes are shown, with the first seed."""
    shown, ensemble = results.shown
    curves, seeds = ensemble.curves.precision_recall, results.params.train.seeds
    if not curves:
        return
    records = [
        Point(label, *point)
        for label, curve in curves.items()
        for point in zip(curve.recall, curve.precision, strict=True)
    ]
    classes = [Tail(label, curve.AP, ensemble.classes[label].positive) for label, curve in curves.items()]
    row = f"{shown}, {results.tables[1].data} set" + (f", seed {seeds[0]}" if len(seeds) > 1 else "")
    settings = (records, classes, row)
    alt = "Precision-recall curves of tail classes."
    yield Picture("precision_recall", Section.CLASSES, 3, alt, draw(*settings), caption(*settings), records)


def draw(records: Sequence[Point], classes: Sequence[Tail], row: str) -> Figure:
    """Draw a curve a class, highest average precision first.

    Args:
        records: of the curves.
        classes: those that have points.
        row: what was scored, and on which data.
    """
    figure, ((axes,),) = style.canvas(4.4)
    order = sorted(classes, key=lambda tail: -tail.precision)
    for tail, look in zip(order, cycle(style.SERIES), strict=False):
        points = [point for point in records if point.label == tail.label]
        x, y = [point.recall for point in points], [point.precision for point in points]
        label = f"{tail.label}: AP {tail.precision:.3f}, {tail.positive:,} positives"
        size = 4.5 if len(x) <= MARKED else 0
        look = {**look, "markersize": size, "markevery": slice(1, None)}  # the first point is an end, no find
        axes.plot([0, *x], [y[0], *y], drawstyle="steps-pre", label=label, **look)
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel(f"recall\n{row}; a mark: a positive is found")
    axes.set_ylabel("precision")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def caption(records: Sequence[Point], classes: Sequence[Tail], row: str) -> str:
    """Say what is found where half of the positives are found, best and worst."""
    halves = {
        tail.label: max(p.precision for p in records if p.label == tail.label and p.recall >= 0.5)
        for tail in classes
    }
    best, worst = max(halves, key=halves.__getitem__), min(halves, key=halves.__getitem__)
    words = (
        f"Tail classes, {row}: to find half of the positives, {_alarms(halves[best])} is right for {best} "
        f"and {_alarms(halves[worst])} for {worst}."
    )
    if best == worst:
        words = (
            f"Tail class, {row}: to find half of the positives of {best}, {_alarms(halves[best])} is right."
        )
    few = min(tail.positive for tail in classes)
    return f"{words} With as few as {few} positives the curves are coarse."


def _alarms(precision: float) -> str:
    return f"one alarm in {1 / precision:.1f}" if precision < 1 else "every alarm"
