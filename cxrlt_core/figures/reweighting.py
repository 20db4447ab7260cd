"""What reweighting touched, and what it did to those classes against the others."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.class_changes import points
from cxrlt_core.figures.style import Sampling

BLOCKS = ("upweighted", "in some seeds", "left alone")


def draw(records: Sequence[Mapping], means: Sequence[Mapping], sampling: Sampling, what: str) -> Figure:
    """Draw a block of lines for the classes that were upweighted, and one for the others; below, their means.

    Args:
        records: ``class``, ``group``, ``prevalence``, ``weight``, ``block`` (one of ``BLOCKS``),
            ``difference``, ``low``, ``high``.
        means: ``block``, ``difference``, ``low``, ``high`` of each block that has classes.
        sampling: what the intervals are about.
        what: the weights and the data.
    """
    blocks = [[one for one in style.by_prevalence(records) if one["block"] == name] for name in BLOCKS]
    order = [one for its in blocks for one in its]
    figure, ((axes,),) = style.canvas(1.2 + style.LINE * (len(order) + len(means)))
    style.lines(axes, [*(one["class"] for one in order), *(f"mean: {one['block']}" for one in means)])
    points(axes, order)
    start = 0
    for name, its in zip(BLOCKS, blocks, strict=True):
        if its:
            shade = style.OF_GROUP["head"][2] if name == BLOCKS[0] else "white"
            axes.axhspan(start - 0.5, start + len(its) - 0.5, color=shade, zorder=0, linewidth=0)
            style.corner(axes, start, name)
            start += len(its)
    axes.axhline(start - 0.5, color=style.MUTED, linewidth=0.8)
    for y, one in enumerate(means, start):
        style.interval(axes, y, one["low"], one["high"], color=style.INK, lw=2.4)
        if one["difference"] is not None:
            axes.plot(one["difference"], y, "D", color=style.INK, ms=6)
    for group, (colour, mark, _) in style.OF_GROUP.items():
        if any(one["group"] == group for one in order):
            axes.plot([], [], mark, color=colour, label=group)
    axes.set_xlabel(f"difference of average precision, {what}\n{sampling.text}; filled: 0 is outside")
    texts = [f"× {one['weight']:.3g}" for one in order] + ["" for _ in means]
    style.column(axes, "weight", texts, style.FIRST)
    style.column(axes, "Δ AP", [style.signed(one["difference"]) for one in [*order, *means]], style.SECOND)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def caption(records: Sequence[Mapping], means: Sequence[Mapping], sampling: Sampling, what: str) -> str:
    """Say what upweighted classes gained on average, and what the others did."""
    told = [
        f"{one['block']} ({sum(r['block'] == one['block'] for r in records)}) "
        f"{style.signed(one['difference'])}{style.spelled(one['low'], one['high'])}"
        for one in means
    ]
    return (
        f"{what[0].upper()}{what[1:]}, mean change of average precision: {'; '.join(told)}. The classes were "
        "upweighted because a model did poorly on these same development data, so some gain is regression to "
        "the mean."
    )
