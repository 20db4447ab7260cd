"""Where a model looks, over the images that it finds most probable for a few classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cxrlt_core.figures import style

STRENGTH = 0.6  # of the colour in the greatest cell


def draw(records: Sequence[Mapping], images: np.ndarray) -> Figure:
    """Lay each map over its image, a class a line: labelled images left, others right.

    Args:
        records: ``class``; ``labelled``; ``probability``; ``map``, rows of cells; and ``box``, the left, top,
            right and bottom of the finding in 0..1, None where it is not known.
        images: of the records, uint8 (n, H, W).
    """
    classes = list(dict.fromkeys(one["class"] for one in records))
    blocks = [[_those(records, name, labelled) for name in classes] for labelled in (True, False)]
    widths = [max(map(len, block)) for block in blocks]
    figure, axes = style.canvas(1.72 * len(classes), nrows=len(classes), ncols=sum(widths))
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.set_frame_on(False)
        axis.grid(visible=False)
    for line, name in enumerate(classes):
        axes[line, 0].set_ylabel(name, fontsize=style.SMALL)
        for block, start in zip(blocks, (0, widths[0]), strict=True):
            for column, n in enumerate(block[line], start):
                _show(axes[line, column], records[n], images[n])
    return figure


def _those(records: Sequence[Mapping], name: str, labelled: bool) -> list[int]:
    return [n for n, one in enumerate(records) if one["class"] == name and one["labelled"] == labelled]


def _show(axis: Axes, record: Mapping, image: np.ndarray) -> None:
    weights = np.asarray(record["map"], float)
    colour = np.empty((*weights.shape, 4))
    colour[..., :3] = to_rgb(style.LIGHT)
    colour[..., 3] = STRENGTH * weights / max(weights.max(), 1e-12)
    extent = (0, 1, 1, 0)
    style.show(axis, image, extent=extent)
    axis.imshow(colour, extent=extent, interpolation="nearest")
    row, column = np.unravel_index(weights.argmax(), weights.shape)
    axis.plot((column + 0.5) / weights.shape[1], (row + 0.5) / weights.shape[0], "+", color=style.INK)
    if record["box"] is not None:
        left, top, right, bottom = record["box"]
        edge = {"facecolor": "none", "edgecolor": "white", "linewidth": 1.4}
        axis.add_patch(Rectangle((left, top), right - left, bottom - top, **edge))
    said = "labelled" if record["labelled"] else "not labelled"
    axis.set_title(f"{said}, {record['probability']:.2f}", fontsize=style.SMALL, loc="center")


def caption(records: Sequence[Mapping], images: np.ndarray) -> str:
    """Say which images are shown, and how often the greatest cell meets the box."""
    boxed = [one for one in records if one["box"] is not None]
    box = " White: where the finding was drawn, whether or not the label says so." if boxed else ""
    return (
        "The development images that the model finds most probable for a class, those labelled with it left "
        "and those labelled without it right, with the probability; in orange the attention of each cell, "
        f"the greatest (+) full.{box}"
    )
