"""The part of reports/report.md that tells what a study would need to resolve more."""

from collections.abc import Mapping, Sequence
from typing import Any

from cxrlt_core.evidence.contrasts import published_steps
from cxrlt_core.evidence.estimator import POWER
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.evidence.power_analysis import Size, power_analysis
from cxrlt_core.evidence.published import IMAGES, MEAN_AP, SLOPE
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.tables import Row, contrast_labels, number_text, signed

SETS = {"table1": "dev", "table2": "test"}  # that the tables are scored on


def plan_study(
    params: Params, contrasts: Mapping[str, Sequence[Mapping]], sets: Mapping[str, Mapping]
) -> dict[str, dict]:
    """Plan the contrasts of both tables, as plain values.

    Args:
        params: of the study.
        contrasts: table to its contrasts, from :func:`cxrlt_core.evidence.contrasts.to_json`.
        sets: set to its counts, from data/summary.json.
    """
    seeds, level = len(params.train.seeds), params.bootstrap.level
    sizes = {
        t: Size(name, sets[name]["images"], sets[name]["patients"], seeds, level) for t, name in SETS.items()
    }
    return {table: power_analysis(found, sizes[table]) for table, found in contrasts.items()}


def planner_section(
    params: Params, plans: Mapping[str, Mapping], tables: Mapping[str, Sequence[Row]], figure: str
) -> str:
    """Write the section of the report, with the picture of where variances come from."""
    if not any(one["contrasts"] for one in plans.values()):
        return "## What it would take\n\nNo two rows differ in one design alone.\n"
    parts = [
        f"""## What it would take

{figure}
The bars split the variance of each difference: what other **patients** would change for all seeds alike, what they would change \
for each seed (**patient × seed**), what other **trainings** would change, and what another choice of members on other \
development patients would (**selection**). More seeds shrink the second and third, more patients the first, second and fourth. \
Trainings have no bar where seeds differ by no more than patient × seed explains.
{ONE_SEED if len(params.train.seeds) == 1 else ""}"""
    ]
    needs = [
        _needs(one, number, tables[table])
        for number, (table, one) in enumerate(plans.items(), 1)
        if one["contrasts"] and one["seeds"] > 1
    ]
    if needs:
        parts += [_needs_text(params), *needs]
    if any(one["claim"] for its in plans.values() for one in its["contrasts"]):
        parts.append(_claims(params, plans, tables))
    return "\n".join(parts)


ONE_SEED = """
**Each variant was trained once: the noise of trainings is unknown, and so is what would resolve a difference.** Shown is what \
patients add.
"""


def _needs_text(params: Params) -> str:
    seeds = len(params.train.seeds)
    return f"""### To resolve a difference

What it takes to resolve a true difference of this size in {POWER:.0%} of studies, if it were the strictest test of its family: \
*seeds* on today's patients, *or patients* with {max(seeds, MIN_SEEDS)} seeds. Today there are {seeds} seeds. A measured difference \
is itself uncertain, so its need is a rough guide.
"""


def _needs(one: Mapping, number: int, rows: Sequence[Row]) -> str:
    chosen = published_steps(one["contrasts"])
    labels = contrast_labels(rows, chosen)
    lines = [
        [label, number_text(c["detectable"]), *_need_cells(c["measured"]), *_need_cells(c["published"])]
        for label, c in zip(labels, chosen, strict=True)
    ]
    header = ["contrast", "detectable Δ", "measured Δ", "seeds", "or patients"]
    header += ["published Δ", "seeds", "or patients"]
    return f"""Table {number}, today {one["patients"]:,} {_set_text(one)} patients:

{markdown_table(header, lines)}"""


def _set_text(one: Mapping) -> str:
    return {"dev": "development", "test": "test"}[one["split"]]


def _need_cells(need: Mapping[str, Any] | None) -> list[str]:
    if need is None:
        return ["–"] * 3
    return [signed(need["difference"]), *(_count(need[what]) for what in ("seeds", "patients"))]


def _count(number: float | str | None) -> str:
    return "–" if number is None else number if isinstance(number, str) else f"{number:,.0f}"


def _claims(params: Params, plans: Mapping[str, Mapping], tables: Mapping[str, Sequence[Row]]) -> str:
    lines = []
    for number, (table, one) in enumerate(plans.items(), 1):
        claims = [c for c in one["contrasts"] if c["claim"]]
        for label, c in zip(contrast_labels(tables[table], claims), claims, strict=True):
            claimed = c["claim"]
            lines.append(
                [
                    f"Table {number}: {label}",
                    signed(c["published"]["difference"]),
                    number_text(claimed["patients"]),
                    number_text(claimed["trainings"]),
                    ANSWERS[claimed["resolvable"]],
                    _count(claimed["images"]),
                ]
            )
    header = ["published step", "published Δ", "detectable Δ: patients alone", "with one training each"]
    header += ["could be resolved", "images, trainings aside"]
    told = f"{sum(line[4] == ANSWERS[True] for line in lines)} of {len(lines)} could be"
    return f"""### Could the published steps have been resolved?

By a study of the published size, {IMAGES["dev"]:,} development and {IMAGES["test"]:,} test images and one training of each \
variant, with the noise of this study: {told}.

{markdown_table(header, lines)}
{_assumptions(params, plans)}"""


ANSWERS = {True: "yes", False: "no", None: "not known"}


def _assumptions(params: Params, plans: Mapping[str, Mapping]) -> str:
    demo = (
        "**The noise is that of a synthetic study: images drawn by a program and stand-in encoders. The table shows how the "
        "question is answered, not what the published study could see.** "
        if params.demo.sources
        else ""
    )
    references = " and ".join(
        f"{', '.join(f'{value:.4f} at {c}' for c, value in one['reference'].items())} ({_set_text(one)} images)"
        for one in plans.values()
    )
    return f"""{demo}*Assumptions.* The parts of each contrast's variance are those measured here, on this study's classes; \
those of patients and selection are divided by the ratio of images, with images per patient as here; that of trainings stays, since \
one training each cannot average it. It is taken as known, though one training cannot tell it, so a real test would see less. \
*Images, trainings aside*: those that would resolve the published Δ if trainings added no noise. The level is that of the verdicts (Holm's strictest \
test), the probability to resolve {POWER:.0%}. As a reference that needs no study: two models with normal scores, the prevalences \
of CXR-LT 2023, an mAP of {MEAN_AP} with logit AP rising by {SLOPE:g} per logit of prevalence, and images independent, are told apart, \
patients alone, from differences of {references}, by the correlation of the two models' noise (docs/evidence.md).
"""
