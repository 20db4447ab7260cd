"""The parts of reports/report.md on what development data have chosen: class weights and ensemble members."""

from collections.abc import Mapping

from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.tables import SELECTED
from cxrlt_core.results.models import ClassWeights
from cxrlt_core.results.study import Results
from cxrlt_core.system import text


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


UPWEIGHTED = """Percentages say how often a class would be upweighted on other development patients, over their resamples; that is in \
no interval, since every other choice of class weights would be another training."""


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
    """Tell what it costs to have chosen the members of the ensembles on development data."""
    return f"""Selection is optimistic where it selects (†). Development and test set differ in patients too: what the plain mean of the \
same models loses from one to the other is that difference, and what an ensemble loses beyond it is optimism \
({results.params.bootstrap.level:.0%} intervals; members, weights and thresholds are chosen again on resampled development patients, \
and scored on resampled test patients). What other choices would have changed is part of every interval of Table 2.

{optimism_table(results)}
{stability_text(results)}
"""


def optimism_table(results: Results) -> str:
    """Show what each ensemble loses from development to test, beside what the mean of its models loses."""
    rows, lines = results.tables[1].rows, []
    columns = [name for name in rows[0].design if name != "models"]
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
    return markdown_table(header, lines)


def _loss(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else before - after


def stability_text(results: Results) -> str:
    """Say how stable the choice among the models is, of the ensemble whose classes are shown."""
    name, ensemble = results.shown
    stable = {label: share for label, share in ensemble.stability.items() if share is not None}
    order = sorted(stable, key=stable.__getitem__)
    few = ", ".join(f"{label} {text.percent(stable[label])}" for label in order[:3])
    many = ", ".join(f"{label} {text.percent(stable[label])}" for label in order[:-4:-1])
    mean = text.percent(sum(stable.values()) / len(stable))
    return f"""Stability (`{name}`): another sample of development patients would choose {mean} of the models of a class \
again, on average over the classes; least stable: {few}; most stable: {many}. The table of classes has all."""
