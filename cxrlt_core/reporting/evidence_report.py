"""The parts of the report and its appendix that weigh the numbers: training noise, contrasts, what pools rows, choices."""

from collections import defaultdict
from collections.abc import Mapping

from cxrlt_core.evidence.contrasts import AND, EXPLORATORY, PRIMARY
from cxrlt_core.evidence.effects import Additivity
from cxrlt_core.evidence.family import MIN_SEEDS
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.attribution import DATA, ENSEMBLE, MEMBERS, STEPS, counts
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import look
from cxrlt_core.reporting.tables import SELECTED, contrasts_table, shown_columns, verdict_text
from cxrlt_core.results.models import ClassWeights
from cxrlt_core.results.study import Results
from cxrlt_core.results.tables import Table
from cxrlt_core.system import text

FAMILIES = {
    PRIMARY: "**The steps that are judged**, those of both tables as one family.",
    EXPLORATORY: "**Exploratory**: contrasts that nobody declared beforehand, each with its own interval and p, and no verdict.",
}
UPWEIGHTED = """Percentages say how often a class would be upweighted on other development patients, over their resamples; that is in \
no interval, since every other choice of class weights would be another training."""


def seeds_text(params: Params) -> str:
    """Say what is known of training noise."""
    seeds = params.train.seeds
    if len(seeds) == 1:
        return f"""**Training noise is not measured**: each variant was trained once, with seed {seeds[0]}. Intervals tell what \
another draw of patients would change, not what another seed would, and a seed alone can move mAP by as much as a design \
does: no verdict is given on a difference until `train.seeds` names several."""
    few = f" Verdicts need {MIN_SEEDS} seeds: two tell too little of each other."
    return f"""Each was trained {len(seeds)} times, with seeds {", ".join(map(str, seeds))}; points are means over them, and what \
trainings add is part of every interval.{few if len(seeds) < MIN_SEEDS else ""}{look(params)}"""


def alarms_text(results: Results) -> str:
    """Say what speaks against trainings of one noise, which intervals assume."""
    assumed = "**Trainings are taken to be alike in their noise**"
    if not results.alarms:
        return f"{assumed}, up to what a difference's own seeds say; nothing speaks against it."
    seeds, words = results.params.train.seeds, []
    for alarm in results.alarms:
        if alarm.seed is None:
            told = (
                f"the seeds of `{alarm.training}` vary {alarm.size:.1f} times as much as those of the others"
            )
        else:
            side = "above" if alarm.size > 0 else "below"
            told = f"seed {seeds[alarm.seed]} of `{alarm.training}` lies {abs(alarm.size):.1f} standard deviations"
            told += f" {side} its other seeds"
        words.append(f"{told} (p {text.p_value(alarm.p)})")
    return f"""{assumed}, and are not: {"; ".join(words)}. Intervals of the noisy one are too short and the others' too long: \
look at its [curve](appendix/origins.md#training) before you believe a step of it."""


def contrasts_section(params: Params, table: Table, figure: str) -> str:
    """Show what each design changes in a table; figure: as markdown."""
    if not table.contrasts:
        return "No two rows differ in one design alone.\n"
    grouped = {name: [c for c in table.contrasts if c.family == name] for name in FAMILIES}
    families = {name: contrasts for name, contrasts in grouped.items() if contrasts}
    parts = [f"{FAMILIES[name]}\n\n{contrasts_table(table, family)}" for name, family in families.items()]
    sizes = " and ".join(str(len(contrasts)) for contrasts in families.values())
    return f"""Every pair of rows that differ in one design, and the squares of four rows that show how one design depends on \
another (×), on the {table.data} set ({sizes} contrasts).

{chr(10).join(parts)}
{figure}"""


def mixed_section(results: Results) -> str:
    """Show the steps that change one of the things that the published steps of Table 2 mix."""
    table = results.tables[1]
    mixed = [step for step in table.steps if AND in step.what]
    if not mixed:
        return ""
    things = {thing for step in mixed for thing in step.what.split(AND)} - {ENSEMBLE}
    alone = [contrast for contrast in table.contrasts if contrast.what in things]
    lines = [
        [step.what, step.change, table.rows_text(step.rows), text.bounded(*step.difference)] for step in alone
    ]
    lacking = [thing for thing in (MEMBERS, DATA, STEPS) if thing in things - {step.what for step in alone}]
    missing = f" No two rows differ in {text.sentence(lacking)} alone." if lacking else ""
    named = text.sentence([table.rows_text(step.rows) for step in mixed])
    shown = markdown_table(["what it changes", "change", "rows", "Δ mAP [interval]"], lines) if lines else ""
    return f"""### What a published step mixes

A step that changes several things at once ({named}) says nothing of any of them. One at a time: other *members* of the same \
kind, *{DATA}* data at equal steps, *steps* on the same data.{missing}

{shown}"""


def steps_text(results: Results) -> str:
    """Say how many steps the members of each row of Table 2 took; rows alike stand together."""
    rows = defaultdict(list)
    for number, row in enumerate(results.tables[1].rows, 1):
        steps = (f"{results.costs[name][0].steps:,}" for name in results.ensembles.rows[row.name].models)
        rows[counts(steps)].append(str(number))
    return "; ".join(f"{steps} (row {', '.join(numbers)})" for steps, numbers in rows.items())


def effects_section(results: Results) -> str:
    """Show the main effects of Table 1 that pool several pairs of rows."""
    effects, table = results.effects, results.tables[0]
    if not effects.effects:
        return "No design varies.\n"
    pooled = [
        effect for effect in effects.effects if len(effect.weights) != 2
    ]  # of two rows: their difference
    published = any(effect.published is not None for effect in pooled)
    header = ["design", "change", "rows and their weights", "effect on mAP [interval]", "verdict", "p"]
    lines = [
        [
            effect.design,
            effect.change,
            _weights_text(effect.weights, table.numbers),
            "–" if effect.difference.point is None else text.bounded(*effect.difference),
            verdict_text(effect.verdict),
            text.p_value(effect.p),
            *([text.signed(effect.published)] if published else []),
        ]
        for effect in pooled
    ]
    header += ["of the published figures"] if published else []
    return f"""Least squares over all rows: what each design adds if designs *add up*, that is, if none depends on another. Each \
effect is a weighted sum of rows, with an interval like that of any difference, and exploratory. The effect of a design that only \
one pair of rows varies is their difference, and not repeated here. *Not estimable*: always together with another design.

{markdown_table(header, lines) if lines else ""}
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
    ways, p = additivity.ways, additivity.p_adjusted
    if not ways:
        return "The rows cannot show whether designs add up: there are no more rows than effects.\n"
    if p is None:
        return "Whether designs add up was not tested: it takes three seeds.\n"
    against = "they do not add up, and no effect is that of a design alone"
    verdict = against if p <= 1 - level else "nothing speaks against it"
    value = text.p_value(p) if p < 0.0005 else f"= {text.p_value(p)}"
    over = "one contrast" if ways == 1 else f"{ways} contrasts, adjusted for their number"
    return f"Do designs add up? What least squares leave over ({over}) has p {value}: {verdict}.\n"


def upweighted_text(weights: Mapping[str, ClassWeights], often: Mapping[str, Mapping[str, float]]) -> str:
    """Name the classes that weights put up; weights that put up the same ones stand together.

    ``often``: name of the weights to class to the share of development resamples in which it would be put up.
    """
    alike: dict[tuple, list[str]] = {}
    for name, given in weights.items():
        key = given.rule, given.threshold, *(", ".join(some) for some in _upweighted(given, often[name]))
        alike.setdefault(key, []).append(f"{given.ratio:g} in `{name}`")
    return " ".join(
        f"Upweighted by {' and '.join(ratios)} (rule `{rule}`, development AP of the base "
        f"{'up to' if rule == 'bottom_k' else 'below'} {text.number(threshold)}): {up or 'none'}."
        + (f" Not upweighted, but near: {near}." if near else "")
        for (rule, threshold, up, near), ratios in alike.items()
    )


def _upweighted(
    weights: ClassWeights, often: Mapping[str, float], least: float = 0.05
) -> tuple[list[str], list[str]]:
    """Return the classes that are put up, by how many of the seeds where not by all, and those that are near."""
    up, near = [], []
    for label, weight in weights.weights.items():
        count = sum(seed.weights[label] != 1 for seed in weights.seeds.values())
        some = "" if count == len(weights.seeds) else f" ({count} of {len(weights.seeds)} seeds)"
        if count:
            up.append(f"{label} {often[label]:.0%}{some}")
        if weight == 1 and often[label] >= least:
            near.append(f"{label} {often[label]:.0%}")
    return up, near


def selection_section(results: Results) -> str:
    """Tell what it costs to have chosen the members of the ensembles, and how stable their choice is."""
    rows, lines = results.tables[1].rows, []
    columns = [name for name in shown_columns(rows) if name != "models"]
    for number, row in enumerate(rows, 1):
        entry, test = results.ensembles.rows[row.name], row.metrics["mAP"]
        mark = SELECTED if entry.chooses else ""
        lines.append(
            [
                str(number),
                *(row.design[name] for name in columns),
                f"{text.number(entry.dev_mAP)}{mark}",
                text.number(test),
                text.signed(_loss(entry.dev_mAP, test)),
                text.signed(_loss(entry.plain_dev_mAP, entry.plain_test_mAP)),
                text.bounded(*entry.optimism) if mark else "–",
            ]
        )
    header = ["", *columns, "development mAP", "test mAP", "loss", "loss of the plain mean", "optimism"]
    return f"""Selection is optimistic where it selects (†). Development and test set differ in patients too: what the plain mean of the \
same models loses from one to the other is that difference, and what an ensemble loses beyond it is optimism \
({results.params.bootstrap.level:.0%} intervals; members, weights and thresholds are chosen again on resampled development patients, \
and scored on resampled test patients). What other choices would have changed is part of every interval of Table 2.

{markdown_table(header, lines)}"""


def _loss(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else before - after
