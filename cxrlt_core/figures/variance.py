"""Where the noise of each difference comes from: patients, trainings, both together, choices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import published_steps
from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.results.study import Results

#: Part of a variance to its name, colour and hatch.
PARTS = {
    "patients": ("patients", style.DARK, ""),
    "patients_by_seed": ("patient × seed", "#8fb3d9", "//"),
    "training": ("trainings", style.LIGHT, ""),
    "selection": ("selection", "#d9d9d9", ".."),
}


@dataclass(frozen=True)
class Parts:
    """A difference and the parts of its variance; None where not measured."""

    table: str
    what: str
    change: str
    rows: str
    patients: float | None
    patients_by_seed: float | None
    training: float | None
    selection: float | None

    @property
    def values(self) -> list[float]:
        """The parts in the order of ``PARTS``, 0 where not measured."""
        return [getattr(self, part) or 0.0 for part in PARTS]


def show(results: Results) -> Iterator[Picture]:
    """Show the published steps of both tables."""
    records = [
        Parts(table.title, power.what, power.change, table.rows_text(power.rows), **power.variance)
        for table in results.tables
        for power in published_steps(table.power.contrasts)
        if power.variance
    ]
    if records:
        alt = "Stacked bars: shares of the variance of each difference."
        yield Picture("variance", Section.PLAN, 1, alt, draw(records), caption(records), records)


def draw(records: Sequence[Parts]) -> Figure:
    """Draw a bar a difference, its parts in percent, and its standard error beside it."""
    figure, ((axes,),) = style.canvas(1.1 + 1.55 * style.LINE * len(records))
    style.lines(axes, [f"{r.what}  ({r.table}: {r.rows})\n{r.change}" for r in records])
    values = np.array([record.values for record in records])
    totals, left = values.sum(axis=1), np.zeros(len(records))
    for (part, (name, colour, hatch)), column in zip(PARTS.items(), values.T, strict=True):
        if not column.any():  # in no difference
            measured = any(getattr(record, part) is not None for record in records)
            name += ": none" if measured else ": not measured"
        shares = 100 * column / totals
        look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0}
        axes.barh(range(len(records)), shares, left=left, height=0.62, label=name, **look)
        left += shares
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the variance of the difference, %")
    style.column(axes, "± standard error", [f"± {error:.4f}" for error in np.sqrt(totals)], style.FIRST)
    figure.legend(loc="outside upper right", ncols=len(PARTS))
    return figure


def caption(records: Sequence[Parts]) -> str:
    """Say how large each part is in the middle difference."""
    values = np.array([record.values for record in records])
    middle = np.median(values / values.sum(axis=1, keepdims=True), axis=0)
    named = [f"{name} {share:.0%}" for (name, *_), share in zip(PARTS.values(), middle, strict=True)]
    return f"Where the variance of {len(records)} differences comes from; medians: {', '.join(named)}."
