"""What each design changes: differences with intervals, ours and the published ones."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import Contrast
from cxrlt_core.figures import Picture, Section, style
from cxrlt_core.results.steps import Step, changed, hubs, is_bag, ranked
from cxrlt_core.results.study import Results

#: Verdict to its mark and what fills it.
MARKS = {
    "resolved up": {"marker": "^", "markerfacecolor": style.DARK},
    "resolved down": {"marker": "v", "markerfacecolor": style.DARK},
    "practically equivalent": {"marker": "s", "markerfacecolor": style.LIGHT},
}
OPEN = {"marker": "o", "markerfacecolor": "white"}  # nothing was found, or nothing can be


def show(results: Results) -> Iterator[Picture]:
    """Show the steps of both tables, ranked if declared, and all contrasts of a table that has others."""
    bag, steps = is_bag(results), ranked(results)
    if not bag:  # in the order of the published study
        steps = [Step(table, contrast) for table in results.tables for contrast in table.steps]
    if steps:
        beside = " here and in the paper" if results.has_published else ""
        alt = f"Forest plot: what each step changes{beside}{', ranked' if bag else ''}."
        data = " and ".join(f"{table.data} set ({table.title})" for table in results.tables)
        shown = {step.rows: step.contrast for step in steps}
        picture = _picture(results, "designs", Section.ANSWER, alt, shown, data)
        yield replace(picture, caption=f"{picture.caption} {hubs(steps)}".rstrip()) if bag else picture
    for table in results.tables:
        if len(table.contrasts) > len(table.steps):
            name, alt = f"contrasts{table.number}", f"Forest plot: differences between rows of {table.title}."
            every = {table.rows_text(contrast.rows): contrast for contrast in table.contrasts}
            yield _picture(results, name, Section(name), alt, every, f"{table.data} set")


def _picture(
    results: Results, name: str, section: Section, alt: str, contrasts: Mapping[str, Contrast], data: str
) -> Picture:
    margin, what = results.params.evidence.margin, f"mAP, {data}"
    records = [
        {
            **{key: getattr(contrast, key) for key in ("what", "change", "family", "published", "verdict")},
            "rows": rows,
            **style.bounds(contrast.difference),
            **dict(zip(("simultaneous_low", "simultaneous_high"), contrast.simultaneous, strict=True)),
        }
        for rows, contrast in contrasts.items()
    ]
    dense = section == Section.ANSWER and is_bag(results)
    drawing = draw(contrasts, style.sampling(results), margin, what, dense)
    return Picture(name, section, 1, alt, drawing, caption(contrasts, margin, what), records)


def draw(
    contrasts: Mapping[str, Contrast], sampling: str, margin: float, what: str, dense: bool = False
) -> Figure:
    """Draw a line a contrast, named by its rows; thin ends are intervals that all hold together.

    ``dense``: many of them, each with its rank and on one line of text.
    """
    if dense:
        names = [f"{changed(c)}  ({rows})  {rank}" for rank, (rows, c) in enumerate(contrasts.items(), 1)]
        figure, axes = style.lined(names, 1.1, 0.8 * style.LINE)
    else:
        names = [f"{contrast.what}  ({rows})\n{contrast.change}" for rows, contrast in contrasts.items()]
        figure, axes = style.lined(names, 1.1, 1.55 * style.LINE)
    axes.axvspan(-margin, margin, color=style.FAINT, linewidth=0, zorder=0)
    axes.axvline(0, color=style.MUTED, linewidth=0.8, zorder=1)
    lines = list(contrasts.values())
    for y, contrast in enumerate(lines):
        style.interval(axes, y, *contrast.simultaneous, color=style.DARK, lw=0.8)
        style.estimate(axes, y, contrast.difference, 2.4, **mark(contrast.verdict))
        if contrast.published is not None:
            axes.plot(contrast.published, y, zorder=4, **style.PUBLISHED)
        if y and contrast.family != lines[y - 1].family:
            axes.axhline(y - 0.5, color=style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
            style.corner(axes, y, contrast.family)
    verdicts = dict.fromkeys(contrast.verdict for contrast in lines)
    for verdict in verdicts:
        axes.plot([], [], label=verdict, **mark(verdict))
    if any(contrast.published is not None for contrast in lines):
        axes.plot([], [], label="published", **style.PUBLISHED)
        style.column(axes, "published", [style.signed(c.published, 4) for c in lines], style.SECOND)
    axes.set_xlabel(f"difference of {what}\n{sampling}; thin: simultaneous")
    style.column(axes, "ours", [style.signed(c.difference.point, 4) for c in lines], style.FIRST)
    figure.legend(loc="outside upper right", ncols=len(verdicts) + 1)
    return figure


def mark(verdict: str) -> dict[str, object]:
    """Return how the point of a verdict looks."""
    return {**MARKS.get(verdict, OPEN), "color": style.DARK, "linestyle": "none", "markersize": 6.5}


def caption(contrasts: Mapping[str, Contrast], margin: float, what: str) -> str:
    """Count the verdicts and name the largest difference; all by the intervals that hold together."""
    known = [contrast for contrast in contrasts.values() if contrast.difference.point is not None]
    if not known:
        return f"No difference of {what} is defined."
    largest = max(known, key=lambda contrast: abs(contrast.difference.point))
    counts = Counter(contrast.verdict for contrast in contrasts.values())
    verdicts = ", ".join(f"{verdict} {count}" for verdict, count in counts.most_common())
    published = [(c.published, *c.simultaneous) for c in known if c.published is not None]
    outside = sum(low is not None and not low <= value <= high for value, low, high in published)
    apart = f"{outside} of {len(published)} published differences lie outside our thin line. "
    return (
        f"{len(contrasts)} differences of {what}; verdicts: {verdicts}. Largest: {largest.what} "
        f"({largest.change}) {style.signed(largest.difference.point, 4)}"
        f"{style.spelled(*largest.simultaneous, 4)}. "
        f"{apart if published else ''}Grey band: differences within ±{margin:g} are too small to matter."
    )
