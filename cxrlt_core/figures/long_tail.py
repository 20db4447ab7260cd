"""The long tail: positives of each class in every set."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from cxrlt_core.figures import style

MARKS = {
    "train_primary": {"marker": "o", "color": style.DARK, "markersize": 5},
    "train_replenished": {"marker": "o", "color": style.DARK, "markerfacecolor": "none", "markersize": 8},
    "dev": {"marker": "|", "color": style.INK, "markersize": 8, "markeredgewidth": 1.6},
    "test": {"marker": "x", "color": style.LIGHT, "markersize": 5, "markeredgewidth": 1.6},
}


def draw(records: Sequence[Mapping], images: Mapping[str, int]) -> Figure:
    """Draw a line a class: dots on a log axis, from which a bar would have no length.

    Args:
        records: ``class``, ``group``, ``prevalence``, and the positives of every set.
        images: set to its number of images, the training sets first.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(1.0 + style.LINE * len(records))
    style.lines(axes, [one["class"] for one in records])
    style.shade_groups(axes, records)
    for y, one in enumerate(records):
        counts = [one[name] for name in images if one[name]]
        style.interval(
            axes, y, min(counts, default=None), max(counts, default=None), color=style.MUTED, lw=0.7
        )
    for name, size in images.items():
        its = [(one[name], y) for y, one in enumerate(records) if one[name]]
        label = f"{name} ({size:,} images)"
        axes.plot(
            *(zip(*its, strict=True) if its else ([], [])), linestyle="none", label=label, **MARKS[name]
        )
    axes.set_xscale("log")
    axes.margins(x=0.09)  # room for the names of the groups
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_locator(NullLocator())
    left = axes.get_xlim()[0]
    for y, one in enumerate(records):
        lacking = [name for name in images if not one[name]]
        if lacking:
            axes.text(left, y, f" none in {', '.join(lacking)}", va="center", fontsize=style.SMALL)
    axes.set_xlabel("positive images (log scale)")
    style.column(axes, "prevalence", [_share(one["prevalence"]) for one in records], style.FIRST)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}" if value < 0.01 else f"{value:.1%}"


def caption(records: Sequence[Mapping], images: Mapping[str, int]) -> str:
    """Say how far head and tail are apart, and which classes development data hardly know."""
    first, *_ = images
    order = sorted((one for one in records if one[first]), key=lambda one: -one[first])
    if not order:
        return f"No class has a positive in {first}."
    most, least = order[0], order[-1]
    few = [f"{one['class']} ({one['dev']})" for one in style.by_prevalence(records) if one["dev"] < FEW]
    text = (
        f"The commonest class of {first} ({most['class']}, {most[first]:,} positives) has "
        f"{most[first] / least[first]:,.0f} times the positives of the rarest ({least['class']}, "
        f"{least[first]:,})."
    )
    return f"{text} Fewer than {FEW} positive development images: {style.sentence(few)}." if few else text


FEW = 20  # positives below which a single image moves average precision visibly
