"""The part of reports/report.md that weighs the numbers: contrasts, ensembles, stability of choices."""

from collections.abc import Mapping, Sequence

from cxrlt_core.evidence.uncertainty import POWER
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.markdown import markdown_table, percent
from cxrlt_core.reporting.tables import SELECTED, Row, contrasts_table, number_text, signed


def seeds_text(params: Params) -> str:
    """Say what is known of training noise."""
    seeds = params.train.seeds
    if len(seeds) == 1:
        return f"""- **Training noise is not measured**: each variant was trained once, with seed {seeds[0]}. Intervals tell what \
another draw of patients would change, not what another seed would, and a seed alone can move mAP by as much as a design \
does: no verdict is given on a difference until `train.seeds` names several."""
    return f"""- **Training noise** is part of every interval: each variant was trained {len(seeds)} times, with seeds \
{", ".join(map(str, seeds))}. Points are means over the seeds; intervals resample seeds and patients together and are widened \
for the small number of seeds (docs/evidence.md)."""


def contrasts_section(
    params: Params, rows: Sequence[Row], contrasts: Sequence[Mapping], data: str, figure: str
) -> str:
    """Show what each design changes.

    Args:
        params: of the study.
        rows: of the table.
        contrasts: from :func:`cxrlt_core.evidence.contrasts.to_json`; one family.
        data: what they were scored on.
        figure: name of the picture.
    """
    if not contrasts:
        return "No two rows differ in one design alone.\n"
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    alpha = 1 - params.bootstrap.level
    return f"""Every pair of rows that differ in one design, and the squares of four rows that show how one design depends on \
another (×), on the {data}:

{contrasts_table(contrasts, numbers)}
![Differences with intervals](figures/{figure})

Δ is the first row minus the second. *p (Holm)* is adjusted for the {len(contrasts)} contrasts of this table; a difference is \
*resolved* where it is at most {alpha:.2f}. *Detectable Δ* is the smallest true difference that would be resolved with \
{POWER:.0%} probability if it were the strictest test of the family, for mAP over all classes and for each group: a design that \
moves less cannot be judged by a study of this size.
{_floor(params, len(contrasts))}"""


def _floor(params: Params, tests: int) -> str:
    least = 2 / (params.bootstrap.resamples + 1)
    if least * tests <= 1 - params.bootstrap.level:
        return ""
    return f"\nWith {params.bootstrap.resamples} resamples no p value falls below {least:.3f}, too coarse for {tests} contrasts: \
raise `bootstrap.resamples`.\n"


def optimism_table(rows: Sequence[Row], ensembles: Mapping[str, Mapping]) -> str:
    """Show what each ensemble loses from development to test, beside what the mean of its models loses."""
    lines = []
    for number, row in enumerate(rows, 1):
        entry = ensembles[row.name]
        gap = _loss(entry["dev_mAP"], row.metrics["mAP"])
        plain = _loss(entry["plain_dev_mAP"], entry["plain_test_mAP"])
        mark = "" if row.design["ensemble"] == "model-wise" else SELECTED
        cells = [str(number), row.design["ensemble"], row.design["replenished"]]
        cells += [f"{number_text(entry['dev_mAP'])}{mark}", number_text(row.metrics["mAP"])]
        lines.append([*cells, signed(gap), signed(plain), signed(_loss(gap, plain))])
    header = ["", "ensemble", "replenished", "development mAP", "test mAP", "loss"]
    return markdown_table([*header, "loss of the plain mean", "optimism"], lines)


def _loss(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else before - after


def stability_text(name: str, entry: Mapping) -> str:
    """Say how stable the class-wise choice among the models of an ensemble is."""
    stable = {label: value for label, value in entry["stability"].items() if value is not None}
    order = sorted(stable, key=stable.__getitem__)
    few = ", ".join(f"{label} {percent(stable[label])}" for label in order[:3])
    many = ", ".join(f"{label} {percent(stable[label])}" for label in order[:-4:-1])
    mean = sum(stable.values()) / len(stable)
    return f"""Stability (`{name}`): another sample of development patients would choose {percent(mean)} of the models of a class \
again, on average over the classes; least stable: {few}; most stable: {many}. The table of classes has all."""


def shown_ensemble(params: Params) -> str:
    """Name the ensemble whose classes are shown: the last class-wise one, or else the last."""
    class_wise = [row.name for row in params.table2 if row.method == "class_wise"]
    return (class_wise or [params.table2[-1].name])[-1]
