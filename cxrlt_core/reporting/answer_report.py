"""The first screen of a report: what each design did, how sure that is, and what would make it sure."""

from collections.abc import Mapping, Sequence

from cxrlt_core.evidence.contrasts import published_steps
from cxrlt_core.evidence.family import DOWN, NEGLIGIBLE, UNRESOLVED, UP
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.tables import Row, caveat, rows_text, signed

SET_NAMES = {"dev": "development", "test": "test"}
MARKS = {UP: "▲", DOWN: "▼", NEGLIGIBLE: "=", UNRESOLVED: "?"}


def answer_section(
    params: Params,
    plans: Mapping[str, Mapping],
    contrasts: Mapping[str, Sequence[Mapping]],
    tables: Mapping,
    positives: Mapping[str, Mapping[str, int]],
) -> str:
    """Write the section.

    Args:
        params: of the study.
        plans: table to what it would take, from :func:`cxrlt_core.reporting.planner_report.plan_study`.
        contrasts: table to its contrasts, as plain values.
        tables: table to its rows.
        positives: dev and test, to class to its positive patients.
    """
    if not any(contrasts.values()):
        return f"## The answer\n\n{answer_text(params, contrasts, tables)}\n"
    return f"""## The answer

{answer_text(params, contrasts, tables)}

{_table(params, plans, contrasts, tables)}
Δ mAP is {_over(params, positives)}, with an interval in which the whole family of steps holds together \
({params.bootstrap.level:.0%}); {", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())}. *Rows* are those of the \
tables below, which have everything else.
"""


def _over(params: Params, positives: Mapping[str, Mapping[str, int]]) -> str:
    """Say what a difference is a mean of."""
    seeds, least = len(params.train.seeds), params.evidence.min_positives
    rare = {split: sum(count < least for count in its.values()) for split, its in positives.items()}
    text = "of one training" if seeds == 1 else f"the mean over {seeds} seeds"
    if not any(rare.values()):
        return text
    left_out = " and ".join(f"{count} on {SET_NAMES[split]} data" for split, count in rare.items() if count)
    return f"{text}, without the classes of fewer than {least} positive patients ({left_out})"


def answer_text(params: Params, contrasts: Mapping[str, Sequence[Mapping]], tables: Mapping) -> str:
    """Say in two sentences what the verdicts are, and which row is best; and of a demo that it is one."""
    steps = [one for found in contrasts.values() for one in published_steps(found)]
    if not steps:
        return "No two rows differ in one design alone: there is nothing to compare."
    best = " and ".join(_best(tables[name], split) for name, split in (("table1", "dev"), ("table2", "test")))
    return (
        f"{_verdicts(steps)} The highest mAP is {best}; it was looked for among {_rows(tables)} rows, "
        f"so expect less of it. {caveat(params)}"
    ).rstrip()


def _verdicts(steps: Sequence[Mapping]) -> str:
    count = f"Of {len(steps)} steps"
    groups = {verdict: [one for one in steps if one["verdict"] == verdict] for verdict in MARKS}
    if not any(groups.values()):
        return f"{count} none has a verdict: {steps[0]['verdict']}."
    parts = []
    for verdict, words in ((UP, "raised mAP"), (DOWN, "lowered it")):
        if groups[verdict]:
            named = ", ".join(f"{_name(one)} {signed(one['difference'][0])}" for one in groups[verdict])
            parts.append(f"{len(groups[verdict])} {words} ({named})")
    if groups[NEGLIGIBLE]:
        parts.append(f"{len(groups[NEGLIGIBLE])} did nothing that matters")
    if groups[UNRESOLVED]:
        parts.append(f"{len(groups[UNRESOLVED])} could not be told from no effect")
    rest = len(steps) - sum(map(len, groups.values()))
    if rest:
        parts.append(f"{rest} got no verdict")
    return f"{count}, {'; '.join(parts)}."


def _name(one: Mapping) -> str:
    return one["what"] if one["change"] == "off → ✓" else f"{one['what']} {one['change']}"


def _best(rows: Sequence[Row], split: str) -> str:
    defined = [
        (row.metrics["mAP"], number) for number, row in enumerate(rows, 1) if row.metrics["mAP"] is not None
    ]
    value, number = max(defined, default=(None, 0))
    if value is None:
        return f"undefined on {SET_NAMES[split]} data"
    return f"{value:.4f} on {SET_NAMES[split]} data (row {number})"


def _rows(tables: Mapping[str, Sequence[Row]]) -> str:
    return " and ".join(str(len(rows)) for rows in tables.values())


def _table(
    params: Params, plans: Mapping[str, Mapping], contrasts: Mapping[str, Sequence[Mapping]], tables: Mapping
) -> str:
    lines = []
    for number, (table, found) in enumerate(contrasts.items(), 1):
        numbers = {row.name: place for place, row in enumerate(tables[table], 1)}
        plan, its = plans[table], published_steps(found)
        for one, planned in zip(its, published_steps(plan["contrasts"]), strict=True):
            point, (low, high) = one["difference"][0], one["simultaneous"]
            lines.append(
                [
                    one["what"],
                    one["change"],
                    f"{signed(point)} [{signed(low)}, {signed(high)}]",
                    f"{MARKS.get(one['verdict'], '')} {one['verdict']}".strip(),
                    signed(one["published"]),
                    _takes(one, planned, plan, len(params.train.seeds)),
                    f"Table {number}: {rows_text(one['rows'], numbers)}",
                ]
            )
    header = ["design", "change", "Δ mAP [interval]", "verdict", "published Δ", "what it would take", "rows"]
    return markdown_table(header, lines)


def _takes(one: Mapping, planned: Mapping, plan: Mapping, seeds: int) -> str:
    """Say what would give an undecided difference a verdict, if it is as large as measured."""
    if one["verdict"] in (UP, DOWN, NEGLIGIBLE):
        return "done"
    need = planned["measured"]
    if seeds == 1 or need is None:
        return "three seeds"
    if isinstance(need["seeds"], int) and need["seeds"] <= seeds:
        return "luck: four in five studies of this size see as much"
    ways = []
    if isinstance(need["seeds"], int):
        ways.append(f"{need['seeds']:,} seeds")
    if isinstance(need["patients"], int | float):
        ways.append(f"{need['patients']:,.0f} {SET_NAMES[plan['split']]} patients")
    return " or ".join(ways) or "no study near this size"
