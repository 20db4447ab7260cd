"""The part of reports/report.md that weighs the numbers: training noise and contrasts."""

from collections.abc import Mapping

from cxrlt_core.evidence.contrasts import EXPLORATORY, PRIMARY
from cxrlt_core.evidence.estimator import POWER
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.tables import contrasts_table
from cxrlt_core.results.tables import Table


def seeds_text(params: Params) -> str:
    """Say what is known of training noise."""
    seeds = params.train.seeds
    if len(seeds) == 1:
        return f"""- **Training noise is not measured**: each variant was trained once, with seed {seeds[0]}. Intervals tell what \
another draw of patients would change, not what another seed would, and a seed alone can move mAP by as much as a design \
does: no verdict is given on a difference until `train.seeds` names several."""
    few = f" Verdicts need {MIN_SEEDS} seeds: two tell too little of each other."
    return f"""- **Training noise** is part of every interval: each variant was trained {len(seeds)} times, with seeds \
{", ".join(map(str, seeds))}. Points are means over the seeds; what seeds add is estimated from the trainings of the whole \
study (docs/evidence.md).{few if len(seeds) < MIN_SEEDS else ""}"""


def contrasts_text(params: Params) -> str:
    """Say how differences are to be read."""
    level, negligible = params.bootstrap.level, params.evidence.negligible
    return f"""- **Δ** is the first of two rows minus the second. The contrasts of a table that have a published figure are one \
family, the others another: its intervals *all hold together* with {level:.0%} probability, and *p (Holm)* is adjusted for their \
number. A difference is *resolved* where p (Holm) is at most {1 - level:.2f}, and *negligible* where its interval in the family \
lies within ±{negligible:g}; without a verdict no p value is shown.
- **Detectable Δ** is the smallest true difference that would be resolved with {POWER:.0%} probability if it were the strictest \
test of its family: a design that moves less cannot be judged by a study of this size."""


def contrasts_section(params: Params, table: Table, figure: str) -> str:
    """Show what each design changes in a table; figure: as markdown."""
    if not table.contrasts:
        return "No two rows differ in one design alone.\n"
    families = {name: [c for c in table.contrasts if c.family == name] for name in FAMILIES}
    parts = [
        f"{FAMILIES[name]}\n\n{contrasts_table(table, contrasts)}"
        for name, contrasts in families.items()
        if contrasts
    ]
    sizes = " and ".join(str(len(contrasts)) for contrasts in families.values() if contrasts)
    return f"""Every pair of rows that differ in one design, and the squares of four rows that show how one design depends on \
another (×), on the {table.data} set; each table is one family ({sizes} contrasts).

{chr(10).join(parts)}
{figure}{_too_rare(table.positives, params.evidence.min_positives)}"""


FAMILIES = {
    PRIMARY: "**The published steps**: contrasts of rows that have a published figure.",
    EXPLORATORY: "**Exploratory**: contrasts with a row that has no published figure.",
}


def _too_rare(positives: Mapping[str, int], least: int) -> str:
    rare = [f"{label} ({count})" for label, count in positives.items() if count < least]
    if not rare:
        return ""
    return (
        f"\nClasses with fewer than {least} positive patients bear no verdict and are left out of these "
        f"differences: {', '.join(rare)}.\n"
    )
