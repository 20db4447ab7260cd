"""How all pictures look: sizes, colours, marks; and how they are saved.

Colours are told apart by people with any colour vision and, by lightness, in grey; a mark or a dash says the
same once more. Pictures are drawn at the width of a page, where their smallest letters are 8 points.
"""

import textwrap
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import Bbox
from PIL import Image
from scipy.optimize import isotonic_regression

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.labels import GROUPS
from cxrlt_core.results.data import ClassInfo
from cxrlt_core.results.study import Results
from cxrlt_core.system import text
from cxrlt_core.system.atomic import atomic

WIDTH = 8.4  # inches
LINE = 0.235  # height of a line of text with its marks
SMALL = 8
LETTERS = 10  # beside a bar, an inch of the height of the figure, where about 15 fit
DOTS, COLOURS = 144, 64  # an inch, a picture
MARGIN = 0.1  # inches around a picture
INK, MUTED, FAINT = "#202020", "#6b6b6b", "#dddddd"
DARK, MIDDLE, LIGHT = "#0b4a82", "#17806f", "#e8952b"  # of rising lightness
#: Group of classes to colour, mark, and shade behind its classes.
OF_GROUP = dict(
    zip(GROUPS, ((DARK, "o", "#e9eff6"), (MIDDLE, "s", "#ffffff"), (LIGHT, "^", "#fcf1e3")), strict=True)
)
PUBLISHED = {"marker": "D", "markersize": 5, "color": INK, "markerfacecolor": "white", "linestyle": "none"}
#: Lines of many series.
SERIES = [
    {"color": colour, "linestyle": dash, "marker": mark}
    for dash in ("-", "--", ":")
    for colour, mark in zip((DARK, LIGHT, MIDDLE, "#9b3a6b", INK, "#8d8d8d"), "o^sDvX", strict=True)
]
SEQUENTIAL = "Blues"  # the darker the more, in grey as well
FIRST, SECOND = 10, 62  # points right of an axis at which columns of text begin

STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": SMALL + 0.5,
    "figure.dpi": DOTS,
}


def applied() -> AbstractContextManager[None]:
    """Draw in this style within the block, figures and what they are made of."""
    return matplotlib.rc_context(STYLE)


def sampling(results: Results) -> str:
    """Say the level of the intervals in a picture, and what they hold."""
    level, seeds = results.params.bootstrap.level, len(results.params.train.seeds)
    if seeds == 1:
        return f"{level:.0%} intervals of the patients alone; one training each"
    return f"{level:.0%} intervals of patients and trainings; {seeds} seeds each"


def canvas(height: float, width: float = WIDTH, **panels: int | Sequence[float]) -> tuple[Figure, np.ndarray]:
    """Open a figure of a height in inches, with panels as ``Figure.subplots`` wants them, (rows, columns)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(squeeze=False, **panels)


@matplotlib.rc_context(STYLE)
def render(figure: Figure, note: str = "") -> Image.Image:
    """Draw a figure, cut to what it shows, with a note below; RGB.

    It is laid out once, at the size that it is drawn in, and then stays as it is.
    """
    figure.draw_without_rendering()  # layout is known only now
    figure.set_layout_engine(None)
    shown = figure.get_tightbbox()
    if note:
        bottom = (shown.y0 - 0.16) / figure.get_figheight()
        line = figure.text(0.5, bottom, note, ha="center", fontsize=SMALL, color=MUTED)
        inches = figure.dpi_scale_trans.inverted()
        shown = Bbox.union([shown, line.get_window_extent().transformed(inches)])
    drawn = BytesIO()
    figure.savefig(drawn, format="png", bbox_inches=shown.padded(MARGIN), pil_kwargs={"compress_level": 1})
    with Image.open(drawn) as image:
        return image.convert("RGB")


def save(image: Image.Image, path: Path | str) -> None:
    """Write a drawn figure as a PNG of a palette; an unchanged figure is an unchanged file.

    A palette takes a fraction of the bytes and shows the same, since a figure has few colours. There is no
    date and no version inside.
    """
    with atomic(path) as temporary:
        palette = image.quantize(COLOURS, kmeans=1, dither=Image.Dither.NONE)
        palette.save(temporary, format="PNG", optimize=True)


def image(axes: Axes, pixels: np.ndarray, **place: object) -> None:
    """Show a grey image, uint8 (H, W): a small one pixel by pixel, as a model sees it, a large one smooth."""
    how = "nearest" if max(pixels.shape) < DOTS else "antialiased"
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation=how, **place)


def lined(labels: Sequence[str], height: float, line: float = LINE) -> tuple[Figure, Axes]:
    """Open a figure in which every record has a line of its own, the first on top, its label at the left."""
    figure, ((axes,),) = canvas(height + line * len(labels))
    lines(axes, labels)
    return figure, axes


def class_lines(
    classes: Mapping[str, ClassInfo], height: float, line: float = LINE
) -> tuple[Figure, Axes, dict[str, ClassInfo]]:
    """Open a figure with a line a class, in the order of prevalence, the groups shaded and named."""
    classes = by_prevalence(classes)
    figure, axes = lined(list(classes), height, line)
    groups = [info.group for info in classes.values()]
    for group in dict.fromkeys(groups):
        first, last = groups.index(group), len(groups) - groups[::-1].index(group)
        axes.axhspan(first - 0.5, last - 0.5, color=OF_GROUP[group][2], zorder=0, linewidth=0)
        corner(axes, first, group)
    return figure, axes, classes


def lines(axes: Axes, labels: Sequence[str]) -> None:
    """Name the lines of records left of an axis."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)


def explain(
    axes: Axes, image: AxesImage, columns: Sequence[str], words: str, turn: Mapping, **bar: object
) -> None:
    """Name the columns of drawn shares below, turned, and add a bar that says what the shares are."""
    axes.grid(visible=False)
    axes.set_xticks(range(len(columns)), columns, ha="right", **turn)
    axes.tick_params(axis="x", length=0)
    look = {"shrink": 0.6, "aspect": 30, "format": lambda share, _: f"{share:.0%}", **bar}
    scale = axes.figure.colorbar(image, ax=axes, **look)
    scale.set_label(textwrap.fill(words, round(LETTERS * axes.figure.get_figheight())))
    scale.outline.set_visible(False)


def column(axes: Axes, title: str, texts: Sequence[str], at: int) -> None:
    """Write a column right of the axis, a text a line; ``at`` is its distance in points."""
    place = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "annotation_clip": False}
    for y, words in enumerate(texts):
        axes.annotate(words, (1, y), (at, 0), va="center", color=INK, fontsize=SMALL + 0.5, **place)
    axes.annotate(title, (1, -0.6), (at, 3), va="bottom", color=MUTED, fontsize=SMALL + 0.5, **place)


def interval(axes: Axes, y: float, low: float | None, high: float | None, **look: object) -> None:
    """Draw an interval along a line, where it is known."""
    if low is not None and high is not None:
        axes.plot([low, high], [y, y], solid_capstyle="butt", zorder=2, **look)


def estimate(axes: Axes, y: float, value: Interval, width: float, **dot: object) -> None:
    """Draw a point and its interval on a line, where they are known."""
    interval(axes, y, value.low, value.high, color=dot["color"], lw=width)
    if value.point is not None:
        axes.plot(value.point, y, **{"linestyle": "none", **dot})


def corner(axes: Axes, line: int, words: str) -> None:
    """Name a block of lines at the right, in its first line."""
    place = {"transform": axes.get_yaxis_transform(), "va": "top", "ha": "right"}
    axes.text(0.995, line - 0.45, words, color=MUTED, fontsize=SMALL + 0.5, style="italic", **place)


def folded(name: str, width: int) -> str:
    """Break a name of words with ``_`` between them into lines."""
    return "_\n".join(line.replace(" ", "_") for line in textwrap.wrap(name.replace("_", " "), width))


def apart(values: Sequence[float], gap: float) -> np.ndarray:
    """Move rising values as little as can be so that each is a gap above the one before."""
    steps = gap * np.arange(len(values))
    return isotonic_regression(np.asarray(values) - steps).x + steps if len(values) else np.empty(0)


def bounds(interval: Interval, name: str = "difference") -> dict[str, float | None]:
    """Return an interval as a part of a record."""
    return dict(zip((name, "low", "high"), interval, strict=True))


def by_prevalence(classes: Mapping[str, ClassInfo]) -> dict[str, ClassInfo]:
    """Sort classes by group, then by falling prevalence; one without known labels is last."""
    order = classes.items()
    return dict(sorted(order, key=lambda item: (GROUPS.index(item[1].group), -(item[1].prevalence or 0))))


def signed(value: float | None, digits: int = 3) -> str:
    """A number with its sign, a minus as it is printed, or a dash where undefined."""
    return text.signed(value, digits).replace("-", "−")


def spelled(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval of differences in words of a caption; nothing where undefined."""
    return "" if low is None or high is None else f" [{signed(low, digits)}, {signed(high, digits)}]"
