"""The parts of reports/report.md that weigh the numbers: training noise, contrasts, and what pools rows."""

from collections.abc import Mapping

from cxrlt_core.evidence.contrasts import EXPLORATORY, PRIMARY
from cxrlt_core.evidence.effects import Additivity
from cxrlt_core.evidence.estimator import POWER
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.tables import contrasts_table, verdict_text
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table
from cxrlt_core.system import text

FAMILIES = {
    PRIMARY: "**The published steps**: contrasts of rows that have a published figure.",
    EXPLORATORY: "**Exploratory**: contrasts with a row that has no published figure.",
}


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
    grouped = {name: [c for c in table.contrasts if c.family == name] for name in FAMILIES}
    families = {name: contrasts for name, contrasts in grouped.items() if contrasts}
    parts = [f"{FAMILIES[name]}\n\n{contrasts_table(table, family)}" for name, family in families.items()]
    sizes = " and ".join(str(len(contrasts)) for contrasts in families.values())
    return f"""Every pair of rows that differ in one design, and the squares of four rows that show how one design depends on \
another (×), on the {table.data} set; each table is one family ({sizes} contrasts).

{chr(10).join(parts)}
{figure}{_too_rare(table.positives, params.evidence.min_positives)}"""


def _too_rare(positives: Mapping[str, int], least: int) -> str:
    rare = [f"{label} ({count})" for label, count in positives.items() if count < least]
    if not rare:
        return ""
    return (
        f"\nClasses with fewer than {least} positive patients bear no verdict and are left out of these "
        f"differences: {', '.join(rare)}.\n"
    )


def effects_section(results: Results) -> str:
    """Show the main effects of Table 1."""
    effects, table = results.effects, results.tables[0]
    if not effects.effects:
        return "No design varies.\n"
    header = ["design", "change", "rows and their weights", "effect on mAP [interval]", "verdict", "p (Holm)"]
    lines = [
        [
            effect.design,
            effect.change,
            _weights_text(effect.weights, table.numbers),
            "–" if effect.difference.point is None else text.bounded(*effect.difference),
            verdict_text(effect.verdict),
            text.p_value(effect.p_holm),
            text.signed(effect.published),
        ]
        for effect in effects.effects
    ]
    return f"""Least squares over all rows: what each design adds if designs *add up*, that is, if none depends on another. Each \
effect is a weighted sum of rows, with an interval like that of any difference; the effects are a family of their own. Where \
the weights name two rows, the effect is that pair's, and nothing was pooled. *Not estimable*: always together with another design.

{markdown_table([*header, "of the published figures"], lines)}
{_additivity(effects.additivity, results.params.bootstrap.level)}"""


def _weights_text(weights: Mapping[str, float], numbers: Mapping[str, int]) -> str:
    """Write a weighted sum of rows: ``9 − 8``, or ``0.5·9 − 0.5·8 + …``."""
    words = ""
    for row, weight in sorted(weights.items(), key=lambda term: (term[1] < 0, numbers[term[0]])):
        sign = "−" if weight < 0 else "+" if words else ""
        size = "" if abs(weight) == 1 else f"{abs(weight):.2g}·"
        words += f" {sign} {size}{numbers[row]}" if words else f"{sign}{size}{numbers[row]}"
    return words or "–"


def _additivity(additivity: Additivity, level: float) -> str:
    ways, p = additivity.ways, additivity.p_holm
    if not ways:
        return "The rows cannot show whether designs add up: there are no more rows than effects.\n"
    if p is None:
        return "Whether designs add up was not tested: it takes three seeds.\n"
    against = "they do not add up, and no effect is that of a design alone"
    verdict = against if p <= 1 - level else "nothing speaks against it"
    value = text.p_value(p) if p < 0.0005 else f"= {text.p_value(p)}"
    over = "one contrast" if ways == 1 else f"{ways} contrasts, adjusted by Holm"
    return f"Do designs add up? What least squares leave over ({over}) has p {value}: {verdict}.\n"


def improvement_section(results: Results) -> str:
    """Show how likely a new training of the one row beats a new one of the other."""
    lines = []
    for table in results.tables:
        for step in table.steps:
            point, low, high = step.probability_of_improvement
            if point is not None:
                shares = f"{text.percent(point)} [{text.percent(low)}, {text.percent(high)}]"
                lines.append([str(table.number), step.what, step.change, table.rows_text(step.rows), shares])
    if not lines:
        return "It takes several seeds to say how likely a new training would agree.\n"
    rows = markdown_table(["table", "design", "change", "rows", "P [interval]"], lines)
    return f"""*P* is the probability that, on these patients, one new training of the first row (or an ensemble of new trainings) \
scores above one of the second: Φ(δ/s), with s the standard deviation of a single difference over seeds (Bouthillier et al. 2021, \
who call a change meaningful from 75 % on). A difference can be resolved and yet often be reversed by the next training.

{rows}"""
