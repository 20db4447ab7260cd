"""Precision against recall of the tail classes."""

from collections.abc import Iterator
from itertools import cycle

from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.models import Ensemble
from cxrlt_core.results.study import Results

MARKED = 40  # points up to which each has a mark


def show(results: Results) -> Iterator[Picture]:
    """Show the ensemble whose classes are shown, with the first seed."""
    (shown, ensemble), seeds = results.shown, results.params.train.seeds
    records = [
        {"class": label, "recall": recall, "precision": precision}
        for label, curve in ensemble.curves.precision_recall.items()
        for recall, precision in zip(curve.recall, curve.precision, strict=True)
    ]
    if records:
        row = f"{shown}, {results.tables[1].data} set" + (f", seed {seeds[0]}" if len(seeds) > 1 else "")
        drawing, words = draw(ensemble, row), caption(ensemble, row)
        alt = "Precision-recall curves of tail classes."
        yield Picture("precision_recall", Section.CLASSES, 3, alt, drawing, words, records)


def draw(ensemble: Ensemble, row: str) -> Figure:
    """Draw a curve a class, highest average precision first, from where a first positive is found."""
    figure, ((axes,),) = style.canvas(4.4)
    order = sorted(ensemble.curves.precision_recall.items(), key=lambda item: -item[1].AP)
    for (name, curve), look in zip(order, cycle(style.SERIES), strict=False):
        x, y = curve.recall, curve.precision
        label = f"{name}: AP {curve.AP:.3f}, {ensemble.classes[name].positive:,} positives"
        size = 4.5 if len(x) <= MARKED else 0
        look = {**look, "markersize": size, "markevery": slice(1, None)}  # the first point is an end, no find
        axes.plot([0, *x], [y[0], *y], drawstyle="steps-pre", label=label, **look)
    words = f"recall\n{row}; a mark: a positive is found"
    axes.set(xlim=(0, 1.01), ylim=(0, 1.03), xlabel=words, ylabel="precision")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def caption(ensemble: Ensemble, row: str) -> str:
    """Say what is found where half of the positives are found, best and worst."""
    halves = {
        label: max(p for r, p in zip(curve.recall, curve.precision, strict=True) if r >= 0.5)
        for label, curve in ensemble.curves.precision_recall.items()
    }
    best, worst = max(halves, key=halves.__getitem__), min(halves, key=halves.__getitem__)
    alarms = {name: f"one alarm in {1 / p:.1f}" if p < 1 else "every alarm" for name, p in halves.items()}
    few = min(ensemble.classes[label].positive for label in halves)
    classes, positives, rest = (
        ("class", f" of {best}, {alarms[best]} is right", "")
        if best == worst
        else ("classes", f", {alarms[best]} is right for {best}", f" and {alarms[worst]} for {worst}")
    )
    return (
        f"Tail {classes}, {row}: to find half of the positives{positives}{rest}. With as few as {few} "
        "positives the curves are coarse."
    )
