"""Where the noise of each difference comes from: patients, trainings, both together, choices."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.figures import style

#: Part of a variance to its name, colour and hatch.
PARTS = {
    "patients": ("patients", style.DARK, ""),
    "patients_by_seed": ("patient × seed", "#8fb3d9", "//"),
    "training": ("trainings", style.LIGHT, ""),
    "selection": ("selection", "#d9d9d9", ".."),
}


def draw(records: Sequence[Mapping]) -> Figure:
    """Draw a bar a difference, its parts in percent, and its standard error beside it.

    Args:
        records: ``table``, ``what``, ``change``, ``rows``, and a variance for each of ``PARTS``; None where
            not measured.
    """
    figure, ((axes,),) = style.canvas(1.1 + 1.55 * style.LINE * len(records))
    style.lines(axes, [f"{one['what']}  ({one['table']}: {one['rows']})\n{one['change']}" for one in records])
    values = np.array([[one[part] or 0.0 for part in PARTS] for one in records])
    totals, left = values.sum(axis=1), np.zeros(len(records))
    for (part, (name, colour, hatch)), column in zip(PARTS.items(), values.T, strict=True):
        if not column.any():  # in no difference
            name += ": none" if any(one[part] is not None for one in records) else ": not measured"
        shares = 100 * column / totals
        look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
        axes.barh(range(len(records)), shares, left=left, height=0.62, label=name, **look)
        left += shares
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the variance of the difference, %")
    style.column(axes, "± standard error", [f"± {error:.4f}" for error in np.sqrt(totals)], style.FIRST)
    figure.legend(loc="outside upper right", ncols=len(PARTS))
    return figure


def caption(records: Sequence[Mapping]) -> str:
    """Say how large each part is in the middle difference."""
    if not records:
        return "No difference has a variance."
    values = np.array([[one[part] or 0.0 for part in PARTS] for one in records])
    middle = np.median(values / values.sum(axis=1, keepdims=True), axis=0)
    named = [f"{name} {share:.0%}" for (name, *_), share in zip(PARTS.values(), middle, strict=True)]
    return f"Where the variance of {len(records)} differences comes from; medians: {', '.join(named)}."
