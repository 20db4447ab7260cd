"""The part of the report that pools rows: main effects, and whether a new training would agree."""

from collections.abc import Mapping, Sequence

from cxrlt_core.evidence.contrasts import published_steps
from cxrlt_core.reporting.markdown import markdown_table, percent
from cxrlt_core.reporting.tables import Row, p_text, rows_text, signed


def effects_section(effects: Mapping, rows: Sequence[Row], level: float) -> str:
    """Show the main effects.

    Args:
        effects: from :func:`cxrlt_core.evidence.effects.test_effects`.
        rows: of the table.
        level: 1 - level is the error rate of what is said.
    """
    if not effects["effects"]:
        return "No design varies.\n"
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    lines = []
    for one in effects["effects"]:
        point, low, high = one["difference"]
        lines.append(
            [
                one["design"],
                one["change"],
                _weights_text(one["weights"], numbers),
                "–" if point is None else f"{signed(point)} [{signed(low)}, {signed(high)}]",
                f"**{one['verdict']}**" if one["verdict"].startswith("resolved") else one["verdict"],
                p_text(one["p_holm"]),
                signed(one["published"]),
            ]
        )
    header = ["design", "change", "rows and their weights", "effect on mAP [interval]", "verdict", "p (Holm)"]
    table = markdown_table([*header, "of the published figures"], lines)
    return f"""Least squares over all rows: what each design adds if designs *add up*, that is, if none depends on another. Each \
effect is a weighted sum of rows, with an interval like that of any difference; the effects are a family of their own. Where \
the weights name two rows, the effect is that pair's, and nothing was pooled. *Not estimable*: always together with another design.

{table}
{_additivity(effects["additivity"], level)}"""


def _weights_text(weights: Mapping[str, float], numbers: Mapping[str, int]) -> str:
    """Write a weighted sum of rows: ``9 − 8``, or ``0.5·9 − 0.5·8 + …``."""
    terms = sorted(weights.items(), key=lambda term: (term[1] < 0, numbers[term[0]]))
    text = ""
    for row, weight in terms:
        sign = ("−" if weight < 0 else "+") if text else ("−" if weight < 0 else "")
        size = "" if abs(weight) == 1 else f"{abs(weight):.2g}·"
        text += f" {sign} {size}{numbers[row]}" if text else f"{sign}{size}{numbers[row]}"
    return text or "–"


def _additivity(additivity: Mapping, level: float) -> str:
    if not additivity["ways"]:
        return "The rows cannot show whether designs add up: there are no more rows than effects.\n"
    if additivity["p_holm"] is None:
        return "Whether designs add up was not tested: it takes three seeds.\n"
    p = additivity["p_holm"]
    says = (
        "they do not add up, and no effect is that of a design alone"
        if p <= 1 - level
        else "nothing speaks against it"
    )
    told = p_text(p) if p < 0.0005 else f"= {p_text(p)}"
    return f"Do designs add up? What least squares leave over ({_ways(additivity['ways'])}) has p {told}: {says}.\n"


def _ways(number: int) -> str:
    return "one contrast" if number == 1 else f"{number} contrasts, adjusted by Holm"


def improvement_section(
    contrasts: Mapping[str, Sequence[Mapping]], tables: Mapping[str, Sequence[Row]]
) -> str:
    """Show how likely a new training of the one row beats a new one of the other."""
    lines = []
    for number, (table, found) in enumerate(contrasts.items(), 1):
        numbers = {row.name: n for n, row in enumerate(tables[table], 1)}
        for one in published_steps(found):
            point, low, high = one["probability_of_improvement"]
            if point is not None:
                rows = rows_text(one["rows"], numbers)
                shares = f"{percent(point)} [{percent(low)}, {percent(high)}]"
                lines.append([f"{number}", one["what"], one["change"], rows, shares])
    if not lines:
        return "It takes several seeds to say how likely a new training would agree.\n"
    table = markdown_table(["table", "design", "change", "rows", "P [interval]"], lines)
    return f"""*P* is the probability that, on these patients, one new training of the first row (or an ensemble of new trainings) \
scores above one of the second: Φ(δ/s), with s the standard deviation of a single difference over seeds (Bouthillier et al. 2021, \
who call a change meaningful from 75 % on). A difference can be resolved and yet often be reversed by the next training.

{table}"""
