"""Example images."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style

LETTERS = 19  # above an image, a line


def draw(images: np.ndarray, labels: Sequence[Sequence[str]], columns: int = 6) -> Figure:
    """Show images with the first of their positive labels.

    Args:
        images: uint8 (n, H, W).
        labels: names of the positive classes of each.
        columns: images a row.
    """
    rows = -(-len(images) // columns)
    figure, axes = style.canvas(1.95 * rows, nrows=rows, ncols=columns)
    for axis in axes.flat:
        axis.axis("off")
    for axis, image, names in zip(axes.flat, images, labels, strict=False):
        style.show(axis, image)
        axis.set_title(_title(names), fontsize=style.SMALL, loc="center")
    return figure


def _title(names: Sequence[str]) -> str:
    lines = [textwrap.fill(name, LETTERS) for name in names[:3]] or ["nothing labelled"]
    return "\n".join(lines) + (" …" if len(names) > 3 else "")


def caption(images: np.ndarray, labels: Sequence[Sequence[str]], columns: int = 6) -> str:
    """Say what is shown."""
    return f"The first {len(images)} development images, with up to three of their positive labels."
