"""The part of the report that pools rows: main effects, and whether a new training would agree."""

from collections.abc import Mapping

from cxrlt_core.evidence.effects import Additivity, Effect
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.tables import verdict_text
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table
from cxrlt_core.system import text


def effects_section(results: Results) -> str:
    """Show the main effects of Table 1."""
    effects, table = results.effects, results.tables[0]
    if not effects.effects:
        return "No design varies.\n"
    header = ["design", "change", "rows and their weights", "effect on mAP [interval]", "verdict", "p (Holm)"]
    lines = [_line(effect, table) for effect in effects.effects]
    return f"""Least squares over all rows: what each design adds if designs *add up*, that is, if none depends on another. Each \
effect is a weighted sum of rows, with an interval like that of any difference; the effects are a family of their own. Where \
the weights name two rows, the effect is that pair's, and nothing was pooled. *Not estimable*: always together with another design.

{markdown_table([*header, "of the published figures"], lines)}
{_additivity(effects.additivity, results.params.bootstrap.level)}"""


def _line(effect: Effect, table: Table) -> list[str]:
    return [
        effect.design,
        effect.change,
        _weights_text(effect.weights, table.numbers),
        "–" if effect.difference.point is None else text.bounded(*effect.difference),
        verdict_text(effect.verdict),
        text.p_value(effect.p_holm),
        text.signed(effect.published),
    ]


def _weights_text(weights: Mapping[str, float], numbers: Mapping[str, int]) -> str:
    """Write a weighted sum of rows: ``9 − 8``, or ``0.5·9 − 0.5·8 + …``."""
    terms = sorted(weights.items(), key=lambda term: (term[1] < 0, numbers[term[0]]))
    words = ""
    for row, weight in terms:
        sign = ("−" if weight < 0 else "+") if words else ("−" if weight < 0 else "")
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
