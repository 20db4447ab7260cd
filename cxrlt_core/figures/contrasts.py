"""What each design changes: differences with intervals, ours and the published ones."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.figures.style import Sampling
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table

#: Verdict to its mark and what fills it.
MARKS = {
    "resolved up": {"marker": "^", "markerfacecolor": style.DARK},
    "resolved down": {"marker": "v", "markerfacecolor": style.DARK},
    "negligible": {"marker": "s", "markerfacecolor": style.LIGHT},
}
OPEN = {"marker": "o", "markerfacecolor": "white"}  # nothing was found, or nothing can be


@dataclass(frozen=True)
class Line:
    """A contrast, its rows by number; of both intervals the simultaneous one holds for all of a family."""

    what: str
    change: str
    family: str
    published: float | None
    verdict: str
    rows: str
    difference: float | None
    low: float | None
    high: float | None
    simultaneous_low: float | None
    simultaneous_high: float | None


def show(results: Results) -> Iterator[Picture]:
    """Show the published steps of both tables, and all contrasts of a table that has others, too."""
    sampling, negligible = Sampling.of(results), results.params.evidence.negligible

    def picture(name: str, section: Section, alt: str, records: Sequence[Line], data: str) -> Picture:
        settings = (records, sampling, negligible, f"mAP, {data}")
        return Picture(name, section, 1, alt, draw(*settings), caption(*settings), records)

    steps = [
        replace(line, rows=f"{table.title}: {line.rows}")
        for table in results.tables
        for line in lines(table, table.steps)
    ]
    if steps:
        alt = "Forest plot: what each published step changes here and in the paper."
        data = " and ".join(f"{table.data} set ({table.title})" for table in results.tables)
        yield picture("designs", Section.ANSWER, alt, steps, data)
    for table in results.tables:
        if len(table.contrasts) > len(table.steps):
            name, alt = f"contrasts{table.number}", f"Forest plot: differences between rows of {table.title}."
            yield picture(name, Section(name), alt, lines(table, table.contrasts), f"{table.data} set")


def lines(table: Table, contrasts: Sequence[Contrast]) -> list[Line]:
    """Return a record for each contrast."""
    return [
        Line(
            contrast.what,
            contrast.change,
            contrast.family,
            contrast.published,
            contrast.verdict,
            table.rows_text(contrast.rows),
            *contrast.difference,
            *contrast.simultaneous,
        )
        for contrast in contrasts
    ]


def draw(records: Sequence[Line], sampling: Sampling, negligible: float, what: str) -> Figure:
    """Draw a line a contrast; thin ends are intervals that all hold together.

    Args:
        records: of the contrasts.
        sampling: what the intervals are about.
        negligible: a difference that is too small to matter.
        what: was measured, and on which data.
    """
    figure, ((axes,),) = style.canvas(1.1 + 1.55 * style.LINE * len(records))
    style.lines(axes, [f"{line.what}  ({line.rows})\n{line.change}" for line in records])
    axes.axvspan(-negligible, negligible, color=style.FAINT, linewidth=0, zorder=0)
    axes.axvline(0, color=style.MUTED, linewidth=0.8, zorder=1)
    for y, line in enumerate(records):
        style.interval(axes, y, line.simultaneous_low, line.simultaneous_high, color=style.DARK, lw=0.8)
        style.interval(axes, y, line.low, line.high, color=style.DARK, lw=2.4)
        if line.difference is not None:
            axes.plot(line.difference, y, **mark(line.verdict))
        if line.published is not None:
            axes.plot(line.published, y, zorder=4, **style.PUBLISHED)
        if y and line.family != records[y - 1].family:
            axes.axhline(y - 0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
            style.corner(axes, y, line.family)
    verdicts = dict.fromkeys(line.verdict for line in records)
    for verdict in verdicts:
        axes.plot([], [], label=verdict, **mark(verdict))
    if any(line.published is not None for line in records):
        axes.plot([], [], label="published", **style.PUBLISHED)
    axes.set_xlabel(f"difference of {what}\n{sampling.text}; thin: all of a table hold together")
    style.column(axes, "ours", [style.signed(line.difference, 4) for line in records], style.FIRST)
    style.column(axes, "published", [style.signed(line.published, 4) for line in records], style.SECOND)
    figure.legend(loc="outside upper right", ncols=len(verdicts) + 1)
    return figure


def mark(verdict: str) -> dict[str, object]:
    """Return how the point of a verdict looks."""
    return {**MARKS.get(verdict, OPEN), "color": style.DARK, "linestyle": "none", "markersize": 6.5}


def caption(records: Sequence[Line], sampling: Sampling, negligible: float, what: str) -> str:
    """Count the verdicts and name the largest difference; all by the intervals that hold together."""
    known = [line for line in records if line.difference is not None]
    if not known:
        return f"No difference of {what} is defined."
    largest = max(known, key=lambda line: abs(line.difference))
    counts = Counter(line.verdict for line in records)
    verdicts = ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common())
    between = style.spelled(largest.simultaneous_low, largest.simultaneous_high, 4)
    return (
        f"{len(records)} differences of {what}; verdicts: {verdicts}. Largest: {largest.what} "
        f"({largest.change}) {style.signed(largest.difference, 4)}{between}. "
        f"{_published(known)}Grey band: differences within ±{negligible:g} are negligible."
    )


def _published(known: Sequence[Line]) -> str:
    published = [line for line in known if line.published is not None]
    outside = [
        line
        for line in published
        if line.simultaneous_low is not None
        and not line.simultaneous_low <= line.published <= line.simultaneous_high
    ]
    if not published:
        return ""
    return f"{len(outside)} of {len(published)} published differences lie outside our thin line. "
