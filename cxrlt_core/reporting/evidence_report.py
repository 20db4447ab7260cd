"""The part of reports/report.md that weighs the numbers: training noise and contrasts."""

from collections.abc import Mapping, Sequence

from cxrlt_core.evidence.contrasts import EXPLORATORY, PRIMARY
from cxrlt_core.evidence.estimator import POWER
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.tables import Row, contrasts_table


def seeds_text(params: Params) -> str:
    """Say what is known of training noise."""
    seeds = params.train.seeds
    if len(seeds) == 1:
        return f"""- **Training noise is not measured**: each variant was trained once, with seed {seeds[0]}. Intervals tell what \
another draw of patients would change, not what another seed would, and a seed alone can move mAP by as much as a design \
does: no verdict is given on a difference until `train.seeds` names several."""
    few = (
        ""
        if len(seeds) >= MIN_SEEDS
        else f" Verdicts need {MIN_SEEDS} seeds: two tell too little of each other."
    )
    return f"""- **Training noise** is part of every interval: each variant was trained {len(seeds)} times, with seeds \
{", ".join(map(str, seeds))}. Points are means over the seeds; what seeds add is estimated from the trainings of the whole \
study (docs/evidence.md).{few}"""


def contrasts_text(params: Params) -> str:
    """Say how differences are to be read."""
    level, negligible = params.bootstrap.level, params.evidence.negligible
    return f"""- **Δ** is the first of two rows minus the second. The contrasts of a table that have a published figure are one \
family, the others another: its intervals *all hold together* with {level:.0%} probability, and *p (Holm)* is adjusted for their \
number. A difference is *resolved* where p (Holm) is at most {1 - level:.2f}, and *negligible* where its interval in the family \
lies within ±{negligible:g}; without a verdict no p value is shown.
- **Detectable Δ** is the smallest true difference that would be resolved with {POWER:.0%} probability if it were the strictest \
test of its family: a design that moves less cannot be judged by a study of this size."""


def contrasts_section(
    params: Params,
    rows: Sequence[Row],
    contrasts: Sequence[Mapping],
    positives: Mapping[str, int],
    data: str,
    figure: str,
) -> str:
    """Show what each design changes.

    Args:
        params: of the study.
        rows: of the table.
        contrasts: from :func:`cxrlt_core.evidence.contrasts.to_json`.
        positives: class to its positive patients in what was scored.
        data: what they were scored on.
        figure: the picture, as markdown.
    """
    if not contrasts:
        return "No two rows differ in one design alone.\n"
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    families = {
        family: [one for one in contrasts if one["family"] == family] for family in (PRIMARY, EXPLORATORY)
    }
    tables = [
        f"{FAMILIES[family]}\n\n{contrasts_table(its, numbers)}" for family, its in families.items() if its
    ]
    sizes = " and ".join(str(len(its)) for its in families.values() if its)
    return f"""Every pair of rows that differ in one design, and the squares of four rows that show how one design depends on \
another (×), on the {data}; each table is one family ({sizes} contrasts).

{chr(10).join(tables)}
{figure}{_too_rare(params, positives)}"""


FAMILIES = {
    PRIMARY: "**The published steps**: contrasts of rows that have a published figure.",
    EXPLORATORY: "**Exploratory**: contrasts with a row that has no published figure.",
}


def _too_rare(params: Params, positives: Mapping[str, int]) -> str:
    least = params.evidence.min_positives
    rare = [f"{name} ({count})" for name, count in positives.items() if count < least]
    if not rare:
        return ""
    return (
        f"\nClasses with fewer than {least} positive patients bear no verdict and are left out of these "
        f"differences: {', '.join(rare)}.\n"
    )


def shown_ensemble(params: Params) -> str:
    """Name the ensemble whose classes are shown: the last class-wise one, or else the last."""
    class_wise = [row.name for row in params.table2 if row.method == "class_wise"]
    return (class_wise or [params.table2[-1].name])[-1]
