"""What a row of the tables costs to train, against its mAP."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.figures import Picture, Section, style, tables
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

UNITS = ((7200, 3600, "hours"), (600, 60, "minutes"), (0, 1, "seconds"))
GAP = 0.06  # least distance of two numbers, in heights of a panel


class Point(NamedTuple):
    """A row that has a mAP: its number, seconds of training with one seed, and mAP with its interval."""

    number: int
    seconds: float
    mAP: float
    low: float | None
    high: float | None


def show(results: Results) -> Iterator[Picture]:
    """Show what the trainings behind each row took."""
    taken = {name: np.mean([cost.seconds for cost in costs]) for name, costs in results.costs.items()}
    variants = [
        [[row.variant] for row in results.params.table1],
        [results.ensembles.rows[row.name].models for row in results.tables[1].rows],
    ]
    points: dict[str, list[Point]] = {}
    records = []
    for table, trained in zip(results.tables, variants, strict=True):
        title = f"{table.title}, {table.data} set"
        points[title] = []
        lines = zip(tables.records(table), table.rows, trained, strict=True)
        for number, (line, row, names) in enumerate(lines, 1):
            seconds = round(sum(taken[name] for name in names), 1)
            records.append({"table": title, "number": number, **line, "seconds": seconds})
            if row.mean_ap.point is not None:
                points[title].append(Point(number, seconds, *row.mean_ap))
    devices = dict.fromkeys(cost.device for costs in results.costs.values() for cost in costs)
    drawing = draw(points, f"{' and '.join(devices)}; {style.sampling(results)}")
    alt = "Scatter: mAP against training time, a dot a row."
    yield Picture("cost", Section.TRAINING, 2, alt, drawing, caption(points), records)


def draw(tables: Mapping[str, Sequence[Point]], words: str) -> Figure:
    """Draw a panel a table; a number is that of the row; words: the machine, and what intervals are about."""
    figure, axes = style.canvas(4.1, nrows=1, ncols=len(tables))
    longest = max((point.seconds for points in tables.values() for point in points), default=0)
    _, unit, name = next(u for u in UNITS if longest >= u[0])
    for panel, (title, points) in zip(axes[0], tables.items(), strict=True):
        for point in points:
            x = point.seconds / unit
            if point.low is not None:
                panel.plot([x, x], [point.low, point.high], color="#b5c3d1", linewidth=1, zorder=2)
            panel.plot(x, point.mAP, "o", color=style.DARK, zorder=3)
        panel.set_xlim(0, 1.25 * max((point.seconds / unit for point in points), default=1))
        _number(panel, {point.number: (point.seconds / unit, point.mAP) for point in points})
        panel.set(title=title, xlabel=f"{name} of training, one seed", ylabel="mAP")
    figure.supxlabel(words, fontsize=9)
    return figure


def _number(axes: Axes, points: Mapping[int, tuple[float, float]]) -> None:
    """Write numbers right of points, apart from each other, with a line to what they name."""
    low, high = axes.get_ylim()
    right = max((x for x, _ in points.values()), default=0) + 0.05 * axes.get_xlim()[1]
    at = -np.inf
    for number, (x, y) in sorted(points.items(), key=lambda item: item[1][1]):
        at = max(y, at + GAP * (high - low))
        line = {"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.6, "shrinkB": 3}
        axes.annotate(str(number), (x, y), (right, at), va="center", arrowprops=line)


def caption(tables: Mapping[str, Sequence[Point]]) -> str:
    """Name the best row of each table beside the cheapest."""
    words = ""
    for title, points in tables.items():
        if points:
            best = max(points, key=lambda point: point.mAP)
            cheapest = min(points, key=lambda point: (point.seconds, -point.mAP))
            times = best.seconds / max(cheapest.seconds, 1e-9)
            against = (
                "and the cheapest to train"
                if best is cheapest
                else f"at {times:.1f} times the time of row {cheapest.number}, the cheapest to train "
                f"({text.number(cheapest.mAP, 3)})"
            )
            words += f"{title}: row {best.number} is highest ({text.number(best.mAP, 3)}), {against}. "
    return f"{words}Prediction, which TTA multiplies, is not counted."
