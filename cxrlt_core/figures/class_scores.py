"""Average precision of each class: base, best single model, best ensemble."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.figures.style import Sampling

MARKS = (
    {"marker": "o", "color": style.MUTED, "markerfacecolor": "white"},
    {"marker": "s", "color": style.LIGHT},
    {"marker": "D", "color": style.DARK},
)


def draw(records: Sequence[Mapping], names: Sequence[str], sampling: Sampling, data: str) -> Figure:
    """Draw a line a class, with a point and an interval for each of up to three predictions.

    Args:
        records: ``class``, ``group``, ``prevalence``, ``positive``, ``chance`` (the prevalence in what was
            scored, which a coin gets), and for each name ``<name>``, ``<name>_low``, ``<name>_high``.
        names: of the predictions, the weakest first.
        sampling: what the intervals are about.
        data: that was scored.
    """
    records = style.by_prevalence(records)
    figure, ((axes,),) = style.canvas(1.0 + 1.35 * style.LINE * len(records))
    style.lines(axes, [one["class"] for one in records])
    style.shade_groups(axes, records)
    for number, (name, mark) in enumerate(zip(names, MARKS, strict=False)):
        shift = 0.26 * (number - (len(names) - 1) / 2)
        for y, one in enumerate(records):
            style.interval(
                axes, y + shift, one[f"{name}_low"], one[f"{name}_high"], color=mark["color"], lw=1.1
            )
            if one[name] is not None:
                axes.plot(one[name], y + shift, linestyle="none", markersize=4.5, zorder=3, **mark)
        axes.plot([], [], label=name, **mark)
    for y, one in enumerate(records):
        if one["chance"] is not None:
            axes.plot([one["chance"]] * 2, [y - 0.42, y + 0.42], color=style.INK, lw=1, linestyle=":")
    axes.plot([], [], color=style.INK, lw=1, linestyle=":", label="chance")
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"average precision, {data}\n{sampling.text}")
    style.column(axes, "positives", [f"{one['positive']:,}" for one in records], style.FIRST)
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def caption(records: Sequence[Mapping], names: Sequence[str], sampling: Sampling, data: str) -> str:
    """Say for how many classes the last prediction is above the first, by group, and where both fail."""
    first, last = names[0], names[-1]
    known = [one for one in records if one[first] is not None and one[last] is not None]
    parts = []
    for group in style.OF_GROUP:
        its = [one for one in known if one["group"] == group]
        if its:
            up = sum(one[last] > one[first] for one in its)
            parts.append(f"{up} of {len(its)} {group}")
    poor = [
        one["class"]
        for one in known
        if one[f"{last}_low"] is not None and one[f"{last}_low"] <= one["chance"]
    ]
    text = f"On the {data}, {last} is above {first} for {', '.join(parts)} classes."
    return f"{text} Not told from chance: {style.sentence(poor)}." if poor else text
