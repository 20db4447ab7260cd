"""Where the noise of each difference comes from: patients, trainings, both together, choices."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import published_steps
from cxrlt_core.evidence.power_analysis import ContrastPower
from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.study import Results

#: Part of a variance to its name, colour and hatch.
PARTS = {
    "patients": ("patients", style.DARK, ""),
    "patients_by_seed": ("patient × seed", "#8fb3d9", "//"),
    "training": ("trainings", style.LIGHT, ""),
    "selection": ("selection", "#d9d9d9", ".."),
}
#: By the title of the table and the numbers of the rows.
Steps = Mapping[tuple[str, str], ContrastPower]


def show(results: Results) -> Iterator[Picture]:
    """Show the published steps of both tables."""
    steps = {
        (table.title, table.rows_text(power.rows)): power
        for table in results.tables
        for power in published_steps(table.power.contrasts)
        if power.variance
    }
    records = [
        {"table": table, "what": power.what, "change": power.change, "rows": rows, **power.variance}
        for (table, rows), power in steps.items()
    ]
    if steps:
        alt = "Stacked bars: shares of the variance of each difference."
        yield Picture("variance", Section.PLAN, 1, alt, draw(steps), caption(steps), records)


def draw(steps: Steps) -> Figure:
    """Draw a bar a difference, its parts in percent, and its standard error beside it."""
    names = [f"{p.what}  ({table}: {rows})\n{p.change}" for (table, rows), p in steps.items()]
    figure, axes = style.lined(names, 1.1, 1.55 * style.LINE)
    values = _values(steps)
    totals, left = values.sum(axis=1), np.zeros(len(steps))
    for (part, (name, colour, hatch)), column in zip(PARTS.items(), values.T, strict=True):
        if not column.any():  # in no difference
            measured = any(power.variance[part] is not None for power in steps.values())
            name += ": none" if measured else ": not measured"
        shares = 100 * column / totals
        look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
        axes.barh(range(len(steps)), shares, left=left, height=0.62, label=name, **look)
        left += shares
    axes.set(xlim=(0, 100), xlabel="share of the variance of the difference, %")
    style.column(axes, "± standard error", [f"± {error:.4f}" for error in np.sqrt(totals)], style.FIRST)
    figure.legend(loc="outside upper right", ncols=len(PARTS))
    return figure


def _values(steps: Steps) -> np.ndarray:
    """Return the parts of each variance, 0 where not measured; (n, parts)."""
    return np.array([[power.variance[part] or 0.0 for part in PARTS] for power in steps.values()])


def caption(steps: Steps) -> str:
    """Say how large each part is in the middle difference."""
    values = _values(steps)
    middle = np.median(values / values.sum(axis=1, keepdims=True), axis=0)
    named = [f"{name} {share:.0%}" for (name, *_), share in zip(PARTS.values(), middle, strict=True)]
    return f"Where the variance of {len(steps)} differences comes from; medians: {', '.join(named)}."
