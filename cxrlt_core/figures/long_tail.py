"""The long tail: positives of each class in every set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import ClassRecord, Picture, Section
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

FEW = 20  # positives below which a single image moves average precision visibly
MARKS = {
    "train_primary": {"marker": "o", "color": style.DARK, "markersize": 5},
    "train_replenished": {"marker": "o", "color": style.DARK, "markerfacecolor": "none", "markersize": 8},
    "dev": {"marker": "|", "color": style.INK, "markersize": 8, "markeredgewidth": 1.6},
    "test": {"marker": "x", "color": style.LIGHT, "markersize": 5, "markeredgewidth": 1.6},
}


@dataclass(frozen=True)
class Positives(ClassRecord):
    """Each set to its positive images of a class."""

    positives: Mapping[str, int]


def show(results: Results) -> Iterator[Picture]:
    """Show the sets of a study."""
    sets = results.data.shown()
    records = [
        Positives(
            label,
            info.group,
            info.prevalence,
            {name: its.classes[label].positive for name, its in sets.items()},
        )
        for label, info in results.classes.items()
    ]
    images = {name: its.images for name, its in sets.items()}
    alt = "Dots on a log axis: positives of each set, a line a class."
    drawing, words = draw(records, images), caption(records, images)
    yield Picture("long_tail", Section.CLASSES, 1, alt, drawing, words, records)


def draw(records: Sequence[Positives], images: Mapping[str, int]) -> Figure:
    """Draw a line a class: dots on a log axis, from which a bar would have no length.

    Args:
        records: of the classes.
        images: set to its number of images, the training sets first.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(1.0 + style.LINE * len(records))
    style.lines(axes, [record.label for record in records])
    style.shade_groups(axes, records)
    for y, record in enumerate(records):
        counts = [count for count in record.positives.values() if count]
        ends = min(counts, default=None), max(counts, default=None)
        style.interval(axes, y, *ends, color=style.MUTED, lw=0.7)
    for name, size in images.items():
        points = [(record.positives[name], y) for y, record in enumerate(records) if record.positives[name]]
        xy = zip(*points, strict=True) if points else ([], [])
        axes.plot(*xy, linestyle="none", label=f"{name} ({size:,} images)", **MARKS[name])
    axes.set_xscale("log")
    axes.margins(x=0.09)  # room for the names of the groups
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    left = axes.get_xlim()[0]
    for y, record in enumerate(records):
        lacking = [name for name in images if not record.positives[name]]
        if lacking:
            axes.text(left, y, f" none in {', '.join(lacking)}", va="center", fontsize=style.SMALL)
    axes.set_xlabel("positive images (log scale)")
    style.column(axes, "prevalence", [_share(record.prevalence) for record in records], style.FIRST)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def _share(value: float | None) -> str:
    return text.percent(value, 2 if value is not None and value < 0.01 else 1)


def caption(records: Sequence[Positives], images: Mapping[str, int]) -> str:
    """Say how far head and tail are apart, and which classes development data hardly know."""
    first, *_ = images
    counts = {record.label: record.positives[first] for record in records if record.positives[first]}
    if not counts:
        return f"No class has a positive in {first}."
    most, least = max(counts, key=counts.__getitem__), min(reversed(counts), key=counts.__getitem__)
    few = [
        f"{record.label} ({record.positives['dev']})"
        for record in style.by_prevalence(records)
        if record.positives["dev"] < FEW
    ]
    words = (
        f"The commonest class of {first} ({most}, {counts[most]:,} positives) has "
        f"{counts[most] / counts[least]:,.0f} times the positives of the rarest ({least}, {counts[least]:,})."
    )
    return f"{words} Fewer than {FEW} positive development images: {text.sentence(few)}." if few else words
