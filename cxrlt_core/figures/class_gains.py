"""Which classes each step gains: a heat map of steps and classes, the class groups beside it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.figures.class_changes import changes_of, clear
from cxrlt_core.labels import GROUPS
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.steps import Step, changed, is_bag, ranked
from cxrlt_core.results.study import Results

DIM = 0.5  # share of the largest change from which on its colour is dark
LOSS_TO_GAIN = LinearSegmentedColormap.from_list("loss to gain", [style.LIGHT, "#ffffff", style.DARK])
Changes = Sequence[Mapping[str, Interval]]  # of each step: class to its change


def show(results: Results) -> Iterator[Picture]:
    """Show the steps of Table 1, whose rows are scored class by class on the same resamples."""
    steps = [step for step in ranked(results) if step.table.number == 1] if is_bag(results) else []
    if not steps:
        return
    classes = style.by_prevalence(results.classes)
    changes = [changes_of(results, step.contrast) for step in steps]
    records = [
        {"step": changed(step.contrast), "rows": step.rows, "class": label, "group": classes[label].group}
        | style.bounds(its[label])
        for step, its in zip(steps, changes, strict=True)
        for label in classes
    ]
    drawing = draw(steps, classes, changes, style.sampling(results))
    words = caption(changes, results.params.bootstrap.level)
    alt = "Heat map: change of average precision by step and class."
    yield Picture("class_gains", Section.CHANGES, 3, alt, drawing, words, records)


def draw(steps: Sequence[Step], classes: Mapping[str, ClassInfo], changes: Changes, sampling: str) -> Figure:
    """Draw a line a step and a column a class, in the order of prevalence; + and − where 0 is outside."""
    values = np.array([[its[label].point for label in classes] for its in changes], float)
    names = [f"{changed(step.contrast)}  ({step.rows.partition(': ')[2]})" for step in steps]
    figure, axes = style.lined(names, 2.2, 0.8 * style.LINE)
    known = np.abs(values[np.isfinite(values)])
    most = float(np.quantile(known, 0.98)) if known.size and known.any() else 1.0
    image = axes.imshow(
        values, cmap=LOSS_TO_GAIN, vmin=-most, vmax=most, aspect="auto", interpolation="nearest"
    )
    words = f"difference of average precision; {sampling}"
    look = {"location": "bottom", "format": lambda value, _: style.signed(value), "extend": "both"}
    style.explain(axes, image, list(classes), words, {"rotation": 60, "rotation_mode": "anchor"}, **look)
    _mark(axes, classes, changes, most)
    _name_groups(axes, [info.group for info in classes.values()])
    for number, group in enumerate(GROUPS):
        means = [step.contrast.groups.get(f"mAP_{group}") for step in steps]
        texts = [style.signed(mean.point if mean else None) for mean in means]
        style.column(axes, f"Δ {group}", texts, style.FIRST + 48 * number)
    return figure


def _mark(axes: Axes, classes: Mapping[str, ClassInfo], changes: Changes, most: float) -> None:
    """Mark what is clear for itself by its sign, so that grey tells gain from loss; white where dark."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for y, its in enumerate(changes):
        for x, change in enumerate(its[label] for label in classes):
            if clear(change):
                look = "+" if change.point > 0 else "_", "white" if change.point > DIM * most else style.INK
                places.setdefault(look, []).append((x, y))
    for (mark, colour), its in places.items():
        axes.plot(*zip(*its, strict=True), mark, color=colour, markersize=5)


def _name_groups(axes: Axes, groups: Sequence[str]) -> None:
    """Part the class groups by lines, and name them above."""
    for group in dict.fromkeys(groups):
        first, last = groups.index(group), len(groups) - groups[::-1].index(group)
        axes.axvline(last - 0.5, color=style.MUTED, linewidth=0.8)
        axes.text(
            (first + last - 1) / 2,
            -0.7,
            group,
            ha="center",
            va="bottom",
            color=style.MUTED,
            fontsize=style.SMALL,
        )


def caption(changes: Changes, level: float) -> str:
    """Count what is clear for itself, beside what chance would make so; nothing of it is a verdict."""
    known = [change for its in changes for change in its.values() if change.low is not None]
    up, down = (sum(clear(c) and sign * c.point > 0 for c in known) for sign in (1, -1))
    return (
        f"Of {len(known):,} changes of a class {up} gain (+) and {down} lose (−) by more than their own "
        f"interval; about {(1 - level) * len(known):.0f} would without any effect. No mark is a verdict: a "
        "step is judged by its mAP alone, and a colour is what to look for in another study."
    )
