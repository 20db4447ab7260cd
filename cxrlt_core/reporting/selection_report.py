"""The parts of reports/report.md on what development data have chosen: class weights and ensemble members."""

from collections.abc import Iterator, Mapping

from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.tables import SELECTED
from cxrlt_core.results.models import ClassWeights
from cxrlt_core.results.study import Results
from cxrlt_core.system import text


def upweighted_text(weights: Mapping[str, ClassWeights], often: Mapping[str, Mapping[str, float]]) -> str:
    """Name the classes that weights put up; weights that put up the same ones stand together.

    Args:
        weights: by the name of the reweighting.
        often: the same to class to the share of development resamples in which it would be put up.
    """
    alike: dict[tuple, list[str]] = {}
    for name, content in weights.items():
        up, others = tuple(_upweighted(content, often[name])), tuple(_others(content, often[name]))
        key = (content.rule, content.threshold, up, others)
        alike.setdefault(key, []).append(f"{content.ratio:g} in `{name}`")
    return " ".join(
        f"Upweighted by {' and '.join(ratios)} (rule `{rule}`, development AP of the base "
        f"{'up to' if rule == 'bottom_k' else 'below'} {text.number(threshold)}): {', '.join(up) or 'none'}."
        + (f" Not upweighted, but near: {', '.join(others)}." if others else "")
        for (rule, threshold, up, others), ratios in alike.items()
    )


UPWEIGHTED = """Percentages say how often a class would be upweighted on other development patients, over their resamples; that is in \
no interval, since every other choice of class weights would be another training."""


def _upweighted(weights: ClassWeights, often: Mapping[str, float]) -> Iterator[str]:
    """Yield the classes that are put up, and by how many of the seeds where not by all."""
    for label in weights.weights:
        count = sum(seed.weights[label] != 1 for seed in weights.seeds.values())
        if count:
            some = "" if count == len(weights.seeds) else f" ({count} of {len(weights.seeds)} seeds)"
            yield f"{label} {often[label]:.0%}{some}"


def _others(weights: ClassWeights, often: Mapping[str, float], least: float = 0.05) -> Iterator[str]:
    """Yield the classes that no seed puts up, but that many resamples would."""
    for label, weight in weights.weights.items():
        if weight == 1 and often[label] >= least:
            yield f"{label} {often[label]:.0%}"


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
