"""The first screen of a report: what each design did, how sure that is, and what would make it sure."""

from collections.abc import Sequence

from cxrlt_core.evidence.contrasts import Contrast, published_steps
from cxrlt_core.evidence.family import DOWN, NEGLIGIBLE, UNRESOLVED, UP
from cxrlt_core.evidence.power_analysis import Need
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import caveat
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table
from cxrlt_core.system import text

MARKS = {UP: "▲", DOWN: "▼", NEGLIGIBLE: "=", UNRESOLVED: "?"}


def answer_section(results: Results) -> str:
    """Write the section."""
    answer = f"## The answer\n\n{answer_text(results)}\n"
    if not any(table.contrasts for table in results.tables):
        return answer
    marks = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
    return f"""{answer}
{_steps(results)}
Δ mAP is {_mean_over(results)}, with an interval in which the whole family of steps holds together \
({results.params.bootstrap.level:.0%}); {marks}. *Rows* are those of the tables below, which have everything else.
"""


def _mean_over(results: Results) -> str:
    """Say what a difference is a mean of."""
    seeds, least = len(results.params.train.seeds), results.params.evidence.min_positives
    words = "of one training" if seeds == 1 else f"the mean over {seeds} seeds"
    rare = {table.data: sum(n < least for n in table.positives.values()) for table in results.tables}
    left_out = " and ".join(f"{count} on {data} data" for data, count in rare.items() if count)
    rest = f", without the classes of fewer than {least} positive patients ({left_out})"
    return f"{words}{rest if left_out else ''}"


def answer_text(results: Results) -> str:
    """Say in two sentences what the verdicts are, and which row is best; and of a demo that it is one."""
    steps = [contrast for table in results.tables for contrast in table.steps]
    if not steps:
        return "No two rows differ in one design alone: there is nothing to compare."
    best = " and ".join(map(_best, results.tables))
    rows = " and ".join(str(len(table.rows)) for table in results.tables)
    return (
        f"{_verdicts(steps)} The highest mAP is {best}; it was looked for among {rows} rows, "
        f"so expect less of it. {caveat(results.params)}"
    ).rstrip()


def _verdicts(steps: Sequence[Contrast]) -> str:
    count = f"Of {len(steps)} steps"
    groups = {verdict: [step for step in steps if step.verdict == verdict] for verdict in MARKS}
    if not any(groups.values()):
        return f"{count} none has a verdict: {steps[0].verdict}."
    named = {
        verdict: ", ".join(
            f"{step.what}{'' if step.change == 'off → ✓' else f' {step.change}'} "
            f"{text.signed(step.difference.point)}"
            for step in group
        )
        for verdict, group in groups.items()
    }
    sizes = {verdict: len(group) for verdict, group in groups.items()}
    rest = len(steps) - sum(sizes.values())
    parts = [
        (sizes[UP], f"raised mAP ({named[UP]})"),
        (sizes[DOWN], f"lowered it ({named[DOWN]})"),
        (sizes[NEGLIGIBLE], "did nothing that matters"),
        (sizes[UNRESOLVED], "could not be told from no effect"),
        (rest, "got no verdict"),
    ]
    return f"{count}, {'; '.join(f'{size} {words}' for size, words in parts if size)}."


def _best(table: Table) -> str:
    values = {number: row.metrics["mAP"] for number, row in enumerate(table.rows, 1)}
    known = {number: value for number, value in values.items() if value is not None}
    if not known:
        return f"undefined on {table.data} data"
    number = max(known, key=lambda number: (known[number], number))
    return f"{text.number(known[number])} on {table.data} data (row {number})"


def _steps(results: Results) -> str:
    seeds = len(results.params.train.seeds)
    lines = [
        [
            step.what,
            step.change,
            text.bounded(step.difference.point, *step.simultaneous),
            f"{MARKS.get(step.verdict, '')} {step.verdict}".strip(),
            text.signed(step.published),
            _takes(step, plan.measured, table, seeds),
            f"{table.title}: {table.rows_text(step.rows)}",
        ]
        for table in results.tables
        for step, plan in zip(table.steps, published_steps(table.power.contrasts), strict=True)
    ]
    header = ["design", "change", "Δ mAP [interval]", "verdict", "published Δ", "what it would take", "rows"]
    return markdown_table(header, lines)


def _takes(step: Contrast, need: Need | None, table: Table, seeds: int) -> str:
    """Say what would give an undecided difference a verdict, if it is as large as measured."""
    if step.verdict in (UP, DOWN, NEGLIGIBLE):
        return "done"
    if seeds == 1 or need is None:
        return "three seeds"
    ways = []
    if isinstance(need.seeds, int):
        if need.seeds <= seeds:
            return "luck: four in five studies of this size see as much"
        ways.append(f"{need.seeds:,} seeds")
    if isinstance(need.patients, int | float):
        ways.append(f"{need.patients:,.0f} {table.data} patients")
    return " or ".join(ways) or "no study near this size"
