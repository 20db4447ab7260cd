"""What each design did, how sure that is, and what would make it sure: the answer and the plan of a report."""

from collections.abc import Sequence

from cxrlt_core.evidence.contrasts import PRIMARY, Contrast, published_steps
from cxrlt_core.evidence.estimator import POWER
from cxrlt_core.evidence.family import DOWN, EQUIVALENT, IDENTICAL, MIN_SEEDS, UNRESOLVED, UP
from cxrlt_core.evidence.power_analysis import ContrastPower, Need
from cxrlt_core.evidence.published import IMAGES
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import caveat, look
from cxrlt_core.results.steps import is_bag, ranked
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table
from cxrlt_core.system import text

MARKS = {UP: "▲", DOWN: "▼", EQUIVALENT: "=", UNRESOLVED: "?"}
WORDS = {
    UP: "raised mAP",
    DOWN: "lowered it",
    EQUIVALENT: "did nothing that matters",
    IDENTICAL: "changed no prediction",
    UNRESOLVED: "could not be told from no effect",
}
CLAIM = ["at the published size: patients alone", "with one training each", "could be resolved"]
ANSWERS = {True: "yes", False: "no", None: "not known"}
KEPT = "0.74 to 0.93"  # python -m benchmarks.verdicts plan
ONE_SEED = """
**Each variant was trained once: the noise of trainings is unknown, and so is what would resolve a difference.** Shown is what \
patients add.
"""
SYNTHETIC = """The noise is that of drawn images and stand-in encoders: this shows how the question is answered, not what the \
published study could see."""


def answer_section(results: Results) -> str:
    """Write the section."""
    answer = f"## The answer\n\n{answer_text(results)}\n"
    if not any(table.contrasts for table in results.tables):
        return answer
    marks = ", ".join(f"{mark} {verdict}" for verdict, mark in MARKS.items())
    return f"""{answer}
{_steps(results)}
Δ mAP is {_mean_over(results)}, with {_interval_of(results)} ({results.params.bootstrap.level:.0%}); {marks}. *Rows* are those of the \
tables below.
"""


def _interval_of(results: Results) -> str:
    """Say what kind of interval the steps have."""
    if any(step.family == PRIMARY for table in results.tables for step in table.steps):
        return "an interval in which the whole family of steps holds together"
    return "an interval each for itself: `evidence.primary` declares no step, so none has a verdict"


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
    best = " and ".join(_best(table, results.chance(table.split)) for table in results.tables)
    rows = " and ".join(str(len(table.rows)) for table in results.tables)
    return (
        f"{_verdicts(steps)}{look(results.params)} The highest mAP is {best}; it was looked for among {rows} rows, "
        f"so expect less of it. {caveat(results.params)}"
    ).rstrip()


def _verdicts(steps: Sequence[Contrast]) -> str:
    parts, rest = [], len(steps)
    for verdict, words in WORDS.items():
        if group := [step for step in steps if step.verdict == verdict]:
            changes = ["" if step.change == "off → ✓" else f" {step.change}" for step in group]
            named = [
                f"{s.what}{c} {text.signed(s.difference.point)}" for s, c in zip(group, changes, strict=True)
            ]
            listed = f" ({', '.join(named)})" if verdict in (UP, DOWN) else ""
            parts.append(f"{len(group)} {words}{listed}")
            rest -= len(group)
    if not parts:
        return f"Of {len(steps)} steps none has a verdict: {steps[0].verdict}."
    return f"Of {len(steps)} steps, {'; '.join([*parts, *([f'{rest} got no verdict'] if rest else [])])}."


def _best(table: Table, chance: float | None) -> str:
    known = [(row.metrics["mAP"], n) for n, row in enumerate(table.rows, 1) if row.metrics["mAP"] is not None]
    if not known:
        return f"undefined on {table.data} data"
    value, number = max(known)
    return f"{text.number(value)} on {table.data} data (row {number}; chance {text.number(chance)})"


def _steps(results: Results) -> str:
    seeds, published = len(results.params.train.seeds), results.has_published
    planned = [
        (table, step, plan)
        for table in results.tables
        for step, plan in zip(table.steps, published_steps(table.power.contrasts), strict=True)
    ]
    if is_bag(results):  # as the figure ranks them
        ranks = {id(step.contrast): rank for rank, step in enumerate(ranked(results))}
        planned.sort(key=lambda entry: ranks.get(id(entry[1]), len(ranks)))
    lines = [
        [
            f"**{step.what}** {step.change}",
            f"{table.title}: {table.rows_text(step.rows)}",
            text.bounded(step.difference.point, *step.bounds),
            f"{MARKS.get(step.verdict, '')} {step.verdict}".strip(),
            *([text.signed(step.published)] if published else []),
            _takes(step, plan.published or plan.margin, table, seeds),
        ]
        for table, step, plan in planned
    ]
    header = ["step", "rows", "Δ mAP [interval]", "verdict", *(["published Δ"] if published else [])]
    return markdown_table([*header, "what it would take"], lines)


def _takes(step: Contrast, need: Need | None, table: Table, seeds: int) -> str:
    """Say what would resolve the published difference, or the smallest that matters."""
    if step.verdict in (UP, DOWN, EQUIVALENT, IDENTICAL):
        return "done"
    if seeds == 1 or need is None:
        return "three seeds"
    ways = []
    if isinstance(need.seeds, int):
        if need.seeds <= seeds:
            return "luck: four in five studies of this size resolve it"
        ways.append(f"{need.seeds:,} seeds")
    if isinstance(need.patients, int | float):
        ways.append(f"{need.patients:,.0f} {table.data} patients")
    return " or ".join(ways) or "no study near this size"


def planner_section(results: Results, figure: str) -> str:
    """Write the section of the report; figure: where variances come from, as markdown."""
    plans = [(table, plan) for table in results.tables for plan in published_steps(table.power.contrasts)]
    if not plans:
        return "## What it would take\n\nNo two rows differ in one design alone.\n"
    claimed = any(plan.claim for _, plan in plans)
    header = ["step", "rows", "minimum detectable Δ"]
    header += ["published Δ", *CLAIM] if claimed else []
    lines = [
        [
            plan.what,
            f"{table.title}: {table.rows_text(plan.rows)}",
            text.number(plan.detectable),
            *(_claim(plan) if claimed else []),
        ]
        for table, plan in plans
    ]
    return f"""## What it would take

{figure}
More **seeds** shrink the parts of *trainings* and *patient × seed*; more **patients** those of *patients*, *patient × seed* and \
*selection*, which is what other development patients would choose. [What would resolve each step](appendix/plan.md).
{ONE_SEED if len(results.params.train.seeds) == 1 else ""}
{markdown_table(header, lines)}
{_claims(results) if claimed else ""}"""


def _claim(plan: ContrastPower) -> list[str]:
    """Return what a study of the published size could have seen of a step."""
    if plan.claim is None:
        return ["–"] * (1 + len(CLAIM))
    claim = plan.claim
    seen = map(text.number, (claim.patients, claim.trainings))
    return [text.signed(plan.published.difference), *seen, ANSWERS[claim.resolvable]]


def _claims(results: Results) -> str:
    """Say how many published steps a study of the published size could have resolved."""
    claims = [plan.claim for table in results.tables for plan in table.power.contrasts if plan.claim]
    return f"""**Could the published steps have been resolved?** By a study of the published size, {IMAGES["dev"]:,} development and \
{IMAGES["test"]:,} test images and one training of each variant, with the noise of this study, \
{sum(claim.resolvable is True for claim in claims)} of {len(claims)} could be \
([assumptions](appendix/plan.md#the-published-steps)). {SYNTHETIC if results.params.demo.sources else ""}
"""


def needs_section(results: Results) -> str:
    """Write what would resolve each step, and what is assumed of studies of the published size, for the appendix."""
    tables, seeds = (
        [table for table in results.tables if table.power.contrasts],
        len(results.params.train.seeds),
    )
    parts = [] if seeds > 1 else ["One training each does not tell what seeds or patients would resolve.\n"]
    if tables and seeds > 1:
        parts.append(f"""## Seeds or patients

What it takes to resolve a true difference of this size in {POWER:.0%} of studies: \
*seeds* on today's patients, *or patients* with {max(seeds, MIN_SEEDS)} seeds. Today there are {seeds} seeds. Planned is for \
differences that one wants to see, which the measured ones are not. The noise is an estimate, so the numbers are, too: \
of simulated studies that followed such a plan {KEPT} resolved the difference (docs/evidence.md).
""")
        parts += [_needs(table) for table in tables]
    if any(plan.claim for table in tables for plan in table.power.contrasts):
        parts.append(f"## The published steps\n\n{_assumptions(results)}")
    return "\n".join(parts)


def _needs(table: Table) -> str:
    plans = published_steps(table.power.contrasts)
    asked = ["margin", *(["published"] if any(plan.published for plan in plans) else [])]
    lines = [
        [
            _label(table, plan),
            text.number(plan.detectable),
            *(c for it in asked for c in _need(getattr(plan, it))),
        ]
        for plan in plans
    ]
    header = [
        "contrast",
        "minimum detectable Δ",
        *(c for it in asked for c in (f"{it} Δ", "seeds", "or patients")),
    ]
    return f"""{table.title}, today {table.power.patients:,} {table.data} patients:

{markdown_table(header, lines)}"""


def _label(table: Table, plan: ContrastPower) -> str:
    """Name a contrast by design, change and the numbers of its rows."""
    return f"{plan.what}  {plan.change}  ({table.rows_text(plan.rows)})"


def _need(need: Need | None) -> list[str]:
    if need is None:
        return ["–"] * 3
    return [text.signed(need.difference), _count(need.seeds), _count(need.patients)]


def _count(number: float | str | None) -> str:
    return "–" if number is None else number if isinstance(number, str) else f"{number:,.0f}"


def _assumptions(results: Results) -> str:
    references = " and ".join(
        f"{', '.join(f'{value:.4f} at {c}' for c, value in table.power.reference.items())} ({table.data} images)"
        for table in results.tables
    )
    return f"""What [the report](../report.md#what-it-would-take) says of them takes the parts of each variance as measured here, on \
this study's classes: those of patients and selection are divided by the ratio of images, with images per patient as here; that of \
trainings stays, since one training each cannot average it. It is taken as known, though one training cannot tell it, so a real test \
would see less. The level is that of the verdicts, the probability to resolve {POWER:.0%}. Without a \
study: patients alone tell two models of the published mAP apart from differences of {references}, by the correlation of their noise \
(docs/evidence.md).
"""
