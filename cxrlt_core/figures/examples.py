"""Example images."""

import textwrap
from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.models import Example
from cxrlt_core.results.study import Results

LETTERS = 19  # above an image, a line


def show(results: Results) -> Iterator[Picture]:
    """Show the images that may be shown."""
    shown = results.examples
    if shown:
        words = f"The first {len(shown)} development images, with up to three of their positive labels."
        yield Picture("examples", Section.DATA, 2, "Images with their labels.", draw(shown), words)


def draw(examples: Sequence[Example], columns: int = 6) -> Figure:
    """Show images with the first of their positive labels, so many a row."""
    rows = -(-len(examples) // columns)
    figure, axes = style.canvas(1.95 * rows, nrows=rows, ncols=columns)
    for axis in axes.flat:
        axis.axis("off")
    for axis, example in zip(axes.flat, examples, strict=False):
        style.image(axis, example.image)
        names = [textwrap.fill(name, LETTERS) for name in example.labels[:3]] or ["nothing labelled"]
        title = "\n".join(names) + (" …" if len(example.labels) > 3 else "")
        axis.set_title(title, fontsize=style.SMALL, loc="center")
    return figure
