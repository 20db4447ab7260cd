"""What a row of the tables costs to train, against its mAP."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.figures import style, tables
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.figures.style import Sampling
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

UNITS = ((7200, 3600, "hours"), (600, 60, "minutes"), (0, 1, "seconds"))
GAP = 0.06  # least distance of two numbers, in heights of a panel


@dataclass(frozen=True)
class Costs:
    """A row of a table, as :mod:`cxrlt_core.figures.tables` has it, and its training in seconds, one seed."""

    table: str
    number: int
    row: str
    mAP: float | None
    low: float | None
    high: float | None
    published: float | None
    selected: bool
    seconds: float


def show(results: Results) -> Iterator[Picture]:
    """Show what the trainings behind each row took."""
    taken = {name: np.mean([cost.seconds for cost in costs]) for name, costs in results.costs.items()}
    first, second = results.tables
    variants = [
        [[row.variant] for row in results.params.table1],
        [results.ensembles.rows[row.name].models for row in second.rows],
    ]
    records = [
        Costs(
            f"{table.title}, {table.data} set",
            number,
            **vars(line),
            seconds=round(sum(taken[name] for name in names), 1),
        )
        for table, trained in zip((first, second), variants, strict=True)
        for number, (line, names) in enumerate(zip(tables.lines(table), trained, strict=True), 1)
    ]
    devices = dict.fromkeys(cost.device for costs in results.costs.values() for cost in costs)
    sampling, device = Sampling.of(results), " and ".join(devices)
    alt = "Scatter: mAP against training time, a dot a row."
    yield Picture(
        "cost", Section.TRAINING, 2, alt, draw(records, sampling, device), caption(records), records
    )


def draw(records: Sequence[Costs], sampling: Sampling, device: str) -> Figure:
    """Draw a panel a table; a number is that of the row.

    Args:
        records: of the rows.
        sampling: what the intervals are about.
        device: the machine that was timed.
    """
    tables = _by_table(records)
    figure, axes = style.canvas(4.1, nrows=1, ncols=len(tables))
    _, unit, name = next(u for u in UNITS if max(record.seconds for record in records) >= u[0])
    for panel, (table, rows) in zip(axes[0], tables.items(), strict=True):
        for row in rows:
            x = row.seconds / unit
            if row.low is not None:
                panel.plot([x, x], [row.low, row.high], color="#b5c3d1", linewidth=1, zorder=2)
            panel.plot(x, row.mAP, "o", color=style.DARK, zorder=3)
        panel.set_xlim(0, 1.25 * max((row.seconds / unit for row in rows), default=1))
        _number(panel, {row.number: (row.seconds / unit, row.mAP) for row in rows})
        panel.set_title(table)
        panel.set_xlabel(f"{name} of training, one seed")
        panel.set_ylabel("mAP")
    figure.supxlabel(f"{device}; {sampling.text}", fontsize=9)
    return figure


def _by_table(records: Sequence[Costs]) -> dict[str, list[Costs]]:
    """Return each table's rows that have a mAP."""
    names = dict.fromkeys(record.table for record in records)
    return {name: [r for r in records if r.table == name and r.mAP is not None] for name in names}


def _number(axes: Axes, points: Mapping[int, tuple[float, float]]) -> None:
    """Write numbers right of points, apart from each other, with a line to what they name."""
    low, high = axes.get_ylim()
    right = max((x for x, _ in points.values()), default=0) + 0.05 * axes.get_xlim()[1]
    at = -np.inf
    for number, (x, y) in sorted(points.items(), key=lambda item: item[1][1]):
        at = max(y, at + GAP * (high - low))
        line = {"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.6, "shrinkB": 3}
        axes.annotate(str(number), (x, y), (right, at), va="center", arrowprops=line)


def caption(records: Sequence[Costs]) -> str:
    """Name the best row of each table beside the cheapest."""
    parts = []
    for table, rows in _by_table(records).items():
        if rows:
            best = max(rows, key=lambda row: row.mAP)
            cheapest = min(rows, key=lambda row: (row.seconds, -row.mAP))
            top = f"row {best.number} is highest ({text.number(best.mAP, 3)})"
            parts.append(f"{table}: {top}, {_against(best, cheapest)}. ")
    return f"{''.join(parts)}Prediction, which TTA multiplies, is not counted."


def _against(best: Costs, cheapest: Costs) -> str:
    if best is cheapest:
        return "and the cheapest to train"
    times = f"{best.seconds / max(cheapest.seconds, 1e-9):.1f} times the time"
    return f"at {times} of row {cheapest.number}, the cheapest to train ({text.number(cheapest.mAP, 3)})"
