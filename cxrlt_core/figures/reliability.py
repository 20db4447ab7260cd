"""Reliability before and after temperature scaling."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style

MARKS = {
    "as predicted": {"marker": "o", "color": style.LIGHT, "linestyle": "--"},
    "scaled": {"marker": "s", "color": style.DARK},
}


def draw(
    records: Sequence[Mapping], errors: Mapping[str, float | None], row: str, temperature: str
) -> Figure:
    """Draw the share of positives against the probability, and how many labels have it.

    Args:
        records: ``which`` (as predicted, or scaled), ``labels`` of a bin, their mean ``score``, and the
            ``share`` of positives.
        errors: each ``which`` to its ECE.
        row: what was scored, and on which data.
        temperature: in words.
    """
    ratios = {"height_ratios": (3, 1), "sharex": True}
    figure, ((axes,), (counts,)) = style.canvas(5.4, 6.2, nrows=2, ncols=1, **ratios)
    axes.plot([0, 1], [0, 1], color=style.MUTED, linewidth=0.9)
    for which, mark in MARKS.items():
        its = [one for one in records if one["which"] == which and one["labels"]]
        x, y, n = (np.array([one[key] for one in its], float) for key in ("score", "share", "labels"))
        axes.plot(x, y, label=f"{which}, ECE {style.plain(errors[which])}", **mark)
        spread = 2 * np.sqrt(np.clip(y * (1 - y), 0, None) / n)  # of independent labels
        axes.vlines(x, y - spread, y + spread, color=mark["color"], linewidth=0.9)
        counts.plot(x, n, drawstyle="default", **mark)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share of positives")
    counts.set_yscale("log")
    counts.set_ylabel("labels")
    counts.set_xlabel(f"mean probability in a bin, all classes together\n{row}; {temperature}")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def caption(
    records: Sequence[Mapping], errors: Mapping[str, float | None], row: str, temperature: str
) -> str:
    """Say what scaling did to the calibration error, and which way the model errs."""
    before, after = errors["as predicted"], errors["scaled"]
    its = [one for one in records if one["which"] == "as predicted" and one["labels"]]
    low = sum(one["labels"] * (one["share"] - one["score"]) for one in its if one["score"] > 0.5)
    way = "too low" if low > 0 else "too high"
    return (
        f"{row}: ECE, mean over classes, {style.plain(before)} as predicted and {style.plain(after)} scaled "
        f"({temperature}); probabilities above one half are {way} on the whole. Scaling changes no "
        "ranking. Vertical lines: two standard errors of independent labels."
    )
