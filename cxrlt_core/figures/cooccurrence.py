"""Which labels occur together in the training set."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.metrics.curves import cooccurrence
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.study import Results
from cxrlt_core.system import text
from cxrlt_core.system.rounding import or_none, rounded

LEAST = 5  # images with both that a pair needs to be named


def show(results: Results) -> Iterator[Picture]:
    """Show the primary training set."""
    order = style.by_prevalence({label: results.classes[label] for label in results.data.classes})
    columns = list(map(results.data.classes.index, order))
    both, known = cooccurrence(results.targets[:, columns])
    shares = (both / np.where(known, known, np.nan)).round(4)
    np.fill_diagonal(shares, np.nan)
    records = [
        {
            "class": first,
            "other": second,
            "both": int(both[i, j]),
            "share": or_none(shares[i, j]),
            "expected": rounded(info.prevalence),
        }
        for i, first in enumerate(order)
        for j, (second, info) in enumerate(order.items())
    ]
    drawing, words = draw(list(order), shares), caption(order, both, shares)
    alt = "Heat map: which labels occur together."
    yield Picture("cooccurrence", Section.DATA, 1, alt, drawing, words, records)


def draw(names: Sequence[str], shares: np.ndarray) -> Figure:
    """Draw shares: of the images with the class of a line, those that have the class of a column, too.

    Shares are float (C, C), NaN where there is none.
    """
    figure, axes = style.lined(names, 1.9, 0.85 * style.LINE)
    axes.set_facecolor(style.FAINT)
    words = "share of the images with the class of the line"
    drawn = axes.imshow(shares, cmap=style.SEQUENTIAL, vmin=0, aspect="auto")
    style.explain(axes, drawn, names, words, {"rotation": 60, "rotation_mode": "anchor"})
    axes.tick_params(axis="x", labelsize=style.SMALL)
    return figure


def caption(classes: Mapping[str, ClassInfo], both: np.ndarray, shares: np.ndarray) -> str:
    """Name the pairs that occur together most, against what chance would give.

    Classes are in the order of the arrays: images that have both, int (C, C), and shares as drawn.
    """
    lifts: dict[frozenset[str], tuple[float, str]] = {}
    for i, first in enumerate(classes):
        for j, (second, info) in enumerate(classes.items()):
            if both[i, j] >= LEAST and np.isfinite(shares[i, j]) and info.prevalence:
                lift = shares[i, j] / round(info.prevalence, 4)
                words = f"{first} with {second} ({lift:.1f} times chance)"
                lifts.setdefault(frozenset((first, second)), (lift, words))
    often = [words for _, words in sorted(lifts.values(), key=lambda entry: -entry[0])[:3]]
    if not often:
        return f"No two classes share {LEAST} images of train_primary."
    return (
        f"Furthest above chance in train_primary: {text.sentence(often)}. Classes by prevalence; grey: the "
        "class itself, or labels that no image knows together."
    )
