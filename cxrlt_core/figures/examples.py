"""Example images."""

import textwrap
from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.results.models import Example
from cxrlt_core.results.study import Results

LETTERS = 19  # above an image, a line


def show(results: Results) -> Iterator[Picture]:
    """Show the images that may be shown."""
    shown = results.examples
    if shown:
        alt = "Images with their labels."
        yield Picture("examples", Section.DATA, 2, alt, draw(shown), caption(shown))


def draw(examples: Sequence[Example], columns: int = 6) -> Figure:
    """Show images with the first of their positive labels, so many a row."""
    rows = -(-len(examples) // columns)
    figure, axes = style.canvas(1.95 * rows, nrows=rows, ncols=columns)
    for axis in axes.flat:
        axis.axis("off")
    for axis, example in zip(axes.flat, examples, strict=False):
        style.image(axis, example.image)
        axis.set_title(_title(example.labels), fontsize=style.SMALL, loc="center")
    return figure


def _title(names: Sequence[str]) -> str:
    lines = [textwrap.fill(name, LETTERS) for name in names[:3]] or ["nothing labelled"]
    return "\n".join(lines) + (" …" if len(names) > 3 else "")


def caption(examples: Sequence[Example]) -> str:
    """Say what is shown."""
    return f"The first {len(examples)} development images, with up to three of their positive labels."
