"""Where a model looks, over the images that it finds most probable for a few classes."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.models import Look
from cxrlt_core.results.study import Results

STRENGTH = 0.6  # of the colour in the greatest cell


def show(results: Results) -> Iterator[Picture]:
    """Show the images that may be shown; maps are an image's, so no CSV has them."""
    if results.looks:
        alt = "Images, with what the model attends to in orange."
        drawing, words = draw(results.looks), caption(results.looks)
        yield Picture("attention", Section.ATTENTION, 1, alt, drawing, words)


def draw(looks: Sequence[Look]) -> Figure:
    """Lay each map over its image, a class a line: labelled images left, others right."""
    classes = list(dict.fromkeys(look.label for look in looks))
    blocks = [
        [[look for look in looks if (look.label, look.labelled) == (name, labelled)] for name in classes]
        for labelled in (True, False)
    ]
    left, right = (max(map(len, block)) for block in blocks)
    figure, axes = style.canvas(1.72 * len(classes), nrows=len(classes), ncols=left + right)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[], frame_on=False)
        axis.grid(visible=False)
    for line, name in enumerate(classes):
        axes[line, 0].set_ylabel(name, fontsize=style.SMALL)
        for block, start in zip(blocks, (0, left), strict=True):
            for column, look in enumerate(block[line], start):
                _overlay(axes[line, column], look)
    return figure


def _overlay(axis: Axes, look: Look) -> None:
    colour = np.empty((*look.map.shape, 4))
    colour[..., :3] = to_rgb(style.LIGHT)
    colour[..., 3] = STRENGTH * look.map / max(look.map.max(), 1e-12)
    extent = (0, 1, 1, 0)
    style.image(axis, look.image, extent=extent)
    axis.imshow(colour, extent=extent, interpolation="nearest")
    row, column = np.unravel_index(look.map.argmax(), look.map.shape)
    axis.plot((column + 0.5) / look.map.shape[1], (row + 0.5) / look.map.shape[0], "+", color=style.INK)
    for left, top, right, bottom in look.boxes:
        edge = {"facecolor": "none", "edgecolor": "white", "linewidth": 1.4}
        axis.add_patch(Rectangle((left, top), right - left, bottom - top, **edge))
    words = "labelled" if look.labelled else "not labelled"
    axis.set_title(f"{words}, {look.probability:.2f}", fontsize=style.SMALL, loc="center")


def caption(looks: Sequence[Look]) -> str:
    """Say which images are shown, and how often the greatest cell meets the box."""
    boxed = any(look.boxes for look in looks)
    box = (
        " White: the boxes of the finding, in drawn images whether or not the label says so." if boxed else ""
    )
    return (
        "The development images that the model finds most probable for a class, those labelled with it left "
        "and those labelled without it right, with the probability; in orange the attention of each cell, "
        f"the greatest (+) full.{box}"
    )
