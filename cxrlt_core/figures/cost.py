"""What a row of the tables costs to train, against its mAP."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.figures import Picture, Section, style, tables
from cxrlt_core.results.models import Cost
from cxrlt_core.results.study import Results
from cxrlt_core.system import text

UNITS = ((7200, 3600, "hours"), (600, 60, "minutes"), (0, 1, "seconds"))
GAP = 0.055  # least distance of two numbers, in heights of a panel


class Point(NamedTuple):
    """A row that has a mAP: its number, steps of training with one seed, their seconds, and its mAP."""

    number: int
    steps: int
    seconds: Interval  # mean over the seeds, least and most
    mAP: Interval


def show(results: Results) -> Iterator[Picture]:
    """Show what the trainings behind each row took."""
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
            steps, seconds = taken([results.costs[name] for name in names])
            times = dict(zip(("seconds", "seconds_least", "seconds_most"), seconds, strict=True))
            records.append({"table": title, "number": number, **line, "steps": steps, **times})
            if row.mean_ap.point is not None:
                points[title].append(Point(number, steps, seconds, row.mean_ap))
    devices = dict.fromkeys(cost.device for costs in results.costs.values() for cost in costs)
    drawing = draw(points, f"{' and '.join(devices)}; {style.sampling(results)}")
    alt = "Scatter: mAP against training time, a dot a row."
    yield Picture("cost", Section.TRAINING, 2, alt, drawing, caption(points), records)


def taken(models: Sequence[Sequence[Cost]]) -> tuple[int, Interval]:
    """Return the steps of models with one seed, together, and their seconds: mean, least, most of seeds."""
    times = [sum(cost.seconds for cost in seed) for seed in zip(*models, strict=True)]
    mean, *ends = (round(seconds, 1) for seconds in (sum(times) / len(times), min(times), max(times)))
    return sum(costs[0].steps for costs in models), Interval(mean, *ends)


def draw(tables: Mapping[str, Sequence[Point]], words: str) -> Figure:
    """Draw a panel a table; a number is that of the row; words: the machine, and what intervals are about."""
    figure, axes = style.canvas(4.1, nrows=1, ncols=len(tables))
    longest = max((point.seconds.high for points in tables.values() for point in points), default=0)
    _, unit, name = next(u for u in UNITS if longest >= u[0])
    for panel, (title, points) in zip(axes[0], tables.items(), strict=True):
        for _, _, (mean, *times), value in points:
            x = mean / unit
            if value.low is not None:
                panel.plot([x, x], [value.low, value.high], color="#b5c3d1", linewidth=1, zorder=2)
            panel.plot(
                [time / unit for time in times], [value.point] * 2, color="#b5c3d1", linewidth=1, zorder=2
            )
            panel.plot(x, value.point, "o", color=style.DARK, zorder=3)
        panel.set_xlim(0, 1.05 * max((point.seconds.high / unit for point in points), default=1))
        number(panel, {p.number: (p.seconds.point / unit, p.mAP.point) for p in points})
        panel.set(title=title, xlabel=f"{name} of training, one seed", ylabel="mAP")
    figure.supxlabel(words, fontsize=9)
    return figure


def number(axes: Axes, points: Mapping[int, tuple[float, float]]) -> None:
    """Write numbers in a column right of a panel, apart from each other, with a line to what they name."""
    low, high = axes.get_ylim()
    rising = sorted(points.items(), key=lambda item: (item[1][1], -item[1][0]))
    heights = style.apart([(y - low) / (high - low) for _, (_, y) in rising], GAP)
    line = {"arrowstyle": "-", "color": style.MUTED, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 3}
    for (number, place), height in zip(rising, heights, strict=True):
        axes.annotate(
            str(number), place, (1.02, height), textcoords="axes fraction", va="center", arrowprops=line
        )


def caption(tables: Mapping[str, Sequence[Point]]) -> str:
    """Name the best row of each table, and how many more steps it takes than the row that takes fewest.

    Steps are compared and not times, which another run of the same machine would change.
    """
    words = ""
    for title, points in tables.items():
        if points:
            best = max(points, key=lambda point: point.mAP.point)
            least = min(points, key=lambda point: (point.steps, -point.mAP.point))
            more = best.steps / least.steps - 1
            against = (
                f"with {more:.0%} more steps of training than row {least.number} "
                f"({text.number(least.mAP.point, 3)}), {best.steps:,} with each seed"
                if more
                else f"and no row takes fewer steps of training ({best.steps:,} with each seed)"
            )
            words += f"{title}: row {best.number} is highest ({text.number(best.mAP.point, 3)}), {against}. "
    several = any(point.seconds.low != point.seconds.high for points in tables.values() for point in points)
    spread = " Dots: means of the seeds; level lines: from the fastest to the slowest." if several else ""
    return f"{words}Prediction, which TTA multiplies, is not counted.{spread}"
