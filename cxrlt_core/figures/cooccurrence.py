"""Which labels occur together in the training set."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style

LEAST = 5  # images with both that a pair needs to be named


def draw(records: Sequence[Mapping], data: str) -> Figure:
    """Draw shares: of the images with the class of a line, those that have the class of a column, too.

    Args:
        records: ``class``, ``other``, ``both`` (images), ``share`` of the images with the class in which
            the other is known, ``expected`` (prevalence of the other).
        data: that was counted.
    """
    names = list(dict.fromkeys(one["class"] for one in records))
    place = {name: number for number, name in enumerate(names)}
    shares = np.full((len(names), len(names)), np.nan)
    for one in records:
        if one["share"] is not None:
            shares[place[one["class"]], place[one["other"]]] = one["share"]
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


def caption(records: Sequence[Mapping], data: str) -> str:
    """Name the pairs that occur together most, against what chance would give."""
    pairs = {}
    for one in records:
        if one["both"] >= LEAST and one["share"] is not None and one["expected"]:
            pairs.setdefault(frozenset((one["class"], one["other"])), (one["share"] / one["expected"], one))
    top = sorted(pairs.values(), key=lambda pair: -pair[0])[:3]
    often = [f"{one['class']} with {one['other']} ({lift:.1f} times chance)" for lift, one in top]
    if not often:
        return f"No two classes share {LEAST} images of {data}."
    return (
        f"Furthest above chance in {data}: {style.sentence(often)}. Classes by prevalence; grey: the class "
        "itself, or labels that no image knows together."
    )
