"""The long tail: positives of each class in every set."""

from collections.abc import Iterator, Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.data import ClassInfo, SetCounts
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

FEW = 20  # positives below which a single image moves average precision visibly
MARKS = {
    "train_primary": {"marker": "o", "color": style.DARK, "markersize": 5},
    "train_replenished": {"marker": "o", "color": style.DARK, "markerfacecolor": "none", "markersize": 8},
    "dev": {"marker": "|", "color": style.INK, "markersize": 8, "markeredgewidth": 1.6},
    "test": {"marker": "x", "color": style.LIGHT, "markersize": 5, "markeredgewidth": 1.6},
}


def show(results: Results) -> Iterator[Picture]:
    """Show the sets of a study."""
    classes, sets = results.classes, results.data.shown()
    records = [{"class": label, **vars(info), **_positives(sets, label)} for label, info in classes.items()]
    drawing, words = draw(classes, sets), caption(classes, sets)
    alt = "Dots on a log axis: positives of each set, a line a class."
    yield Picture("long_tail", Section.CLASSES, 1, alt, drawing, words, records)


def _positives(sets: Mapping[str, SetCounts], label: str) -> dict[str, int]:
    return {name: counts.classes[label].positive for name, counts in sets.items()}


def draw(classes: Mapping[str, ClassInfo], sets: Mapping[str, SetCounts]) -> Figure:
    """Draw a line a class: dots on a log axis, from which a bar would have no length."""
    figure, axes, classes = style.class_lines(classes, 1.0)
    positives = [_positives(sets, label) for label in classes]
    for y, counts in enumerate(positives):
        some = [count for count in counts.values() if count]
        ends = min(some, default=None), max(some, default=None)
        style.interval(axes, y, *ends, color=style.MUTED, lw=0.7)
    for name in sets:
        points = [(counts[name], y) for y, counts in enumerate(positives) if counts[name]]
        xy = zip(*points, strict=True) if points else ([], [])
        axes.plot(*xy, linestyle="none", label=f"{name} ({sets[name].images:,} images)", **MARKS[name])
    axes.set_xscale("log")
    axes.margins(x=0.09)  # room for the names of the groups
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    left = axes.get_xlim()[0]
    for y, counts in enumerate(positives):
        lacking = [name for name, count in counts.items() if not count]
        if lacking:
            axes.text(left, y, f" none in {', '.join(lacking)}", va="center", fontsize=style.SMALL)
    axes.set_xlabel("positive images (log scale)")
    shares = [info.prevalence for info in classes.values()]
    texts = [text.percent(share, 2 if share is not None and share < 0.01 else 1) for share in shares]
    style.column(axes, "prevalence", texts, style.FIRST)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def caption(classes: Mapping[str, ClassInfo], sets: Mapping[str, SetCounts]) -> str:
    """Say how far head and tail are apart, and which classes development data hardly know."""
    first, *_ = sets
    counts = {label: sets[first].classes[label].positive for label in classes}
    order = sorted(filter(counts.get, counts), key=lambda label: -counts[label])
    if not order:
        return f"No class has a positive in {first}."
    most, least = order[0], order[-1]
    dev = {label: sets["dev"].classes[label].positive for label in style.by_prevalence(classes)}
    few = [f"{label} ({count})" for label, count in dev.items() if count < FEW]
    words = (
        f"The commonest class of {first} ({most}, {counts[most]:,} positives) has "
        f"{counts[most] / counts[least]:,.0f} times the positives of the rarest ({least}, {counts[least]:,})."
    )
    return f"{words} Fewer than {FEW} positive development images: {text.sentence(few)}." if few else words
