"""Which labels occur together in the training set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import ClassRecord, Picture, Section
from cxrlt_core.metrics.curves import cooccurrence
from cxrlt_core.results.study import Results
from cxrlt_core.system import text
from cxrlt_core.system.rounding import rounded

LEAST = 5  # images with both that a pair needs to be named


@dataclass(frozen=True)
class Pair:
    """Two classes.

    Attributes:
        label: the first.
        other: the second.
        both: images that have both.
        share: of the images with the first in which the second is known; None of a class with itself.
        expected: prevalence of the second.
    """

    label: str
    other: str
    both: int
    share: float | None
    expected: float | None


def show(results: Results) -> Iterator[Picture]:
    """Show the primary training set."""
    both, known = cooccurrence(results.targets)
    records = [
        ClassRecord(c, results.classes[c].group, results.classes[c].prevalence) for c in results.data.classes
    ]
    place = {label: number for number, label in enumerate(results.data.classes)}
    order = [(place[record.label], record) for record in style.by_prevalence(records)]
    pairs = [
        Pair(
            first.label,
            second.label,
            int(both[i, j]),
            rounded(both[i, j] / known[i, j]) if i != j and known[i, j] else None,
            rounded(second.prevalence),
        )
        for i, first in order
        for j, second in order
    ]
    drawing, words = draw(pairs), caption(pairs)
    alt = "Heat map: which labels occur together."
    yield Picture("cooccurrence", Section.DATA, 1, alt, drawing, words, pairs)


def draw(records: Sequence[Pair]) -> Figure:
    """Draw shares: of the images with the class of a line, those that have the class of a column, too."""
    names = list(dict.fromkeys(pair.label for pair in records))
    place = {name: number for number, name in enumerate(names)}
    shares = np.full((len(names), len(names)), np.nan)
    for pair in records:
        if pair.share is not None:
            shares[place[pair.label], place[pair.other]] = pair.share
    figure, ((axes,),) = style.canvas(1.9 + 0.85 * style.LINE * len(names))
    axes.set_facecolor(style.FAINT)
    shown = axes.imshow(shares, cmap=style.SEQUENTIAL, vmin=0, aspect="auto")
    style.lines(axes, names)
    axes.grid(visible=False)
    axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="x", length=0, labelsize=style.SMALL)
    bar = figure.colorbar(shown, ax=axes, shrink=0.6, aspect=30, format=lambda v, _: f"{v:.0%}")
    bar.set_label("share of the images with the class of the line")
    bar.outline.set_visible(False)
    return figure


def caption(records: Sequence[Pair]) -> str:
    """Name the pairs that occur together most, against what chance would give."""
    lifts: dict[frozenset[str], tuple[float, Pair]] = {}
    for pair in records:
        if pair.both >= LEAST and pair.share is not None and pair.expected:
            lifts.setdefault(frozenset((pair.label, pair.other)), (pair.share / pair.expected, pair))
    top = sorted(lifts.values(), key=lambda entry: -entry[0])[:3]
    often = [f"{pair.label} with {pair.other} ({lift:.1f} times chance)" for lift, pair in top]
    if not often:
        return f"No two classes share {LEAST} images of train_primary."
    return (
        f"Furthest above chance in train_primary: {text.sentence(often)}. Classes by prevalence; grey: the "
        "class itself, or labels that no image knows together."
    )
