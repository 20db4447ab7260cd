"""The parts of reports/report.md on what development data have chosen: class weights and ensemble members."""

from collections.abc import Iterator, Mapping, Sequence

from cxrlt_core.reporting.markdown import markdown_table, percent
from cxrlt_core.reporting.tables import SELECTED, Row, number_text, signed


def upweighted_text(weights: Mapping[str, Mapping], often: Mapping[str, Mapping[str, float]]) -> str:
    """Name the classes that weights put up; weights that put up the same ones stand together.

    Args:
        weights: name of a reweighting to the content of its weights file.
        often: the same to class to the share of development resamples in which it would be put up.
    """
    alike: dict[tuple, list[str]] = {}
    for name, one in weights.items():
        up = tuple(_upweighted(one, often[name]))
        others = tuple(_others(one, often[name]))
        key = (one["rule"], one["threshold"], up, others)
        alike.setdefault(key, []).append(f"{one['ratio']:g} in `{name}`")
    return " ".join(
        f"Upweighted by {' and '.join(ratios)} (rule `{rule}`, development AP of the base "
        f"{'up to' if rule == 'bottom_k' else 'below'} {number_text(threshold)}): {', '.join(up) or 'none'}."
        + (f" Not upweighted, but near: {', '.join(others)}." if others else "")
        for (rule, threshold, up, others), ratios in alike.items()
    )


UPWEIGHTED = """Percentages say how often a class would be upweighted on other development patients, over their resamples; that is in \
no interval, since every other choice of class weights would be another training."""


def _upweighted(weights: Mapping, often: Mapping[str, float]) -> Iterator[str]:
    """Yield the classes that are put up, and by how many of the seeds where not by all."""
    seeds = [one["weights"] for one in weights["seeds"].values()]
    for label in weights["weights"]:
        count = sum(one[label] != 1 for one in seeds)
        if count:
            some = "" if count == len(seeds) else f" ({count} of {len(seeds)} seeds)"
            yield f"{label} {often[label]:.0%}{some}"


def _others(weights: Mapping, often: Mapping[str, float], least: float = 0.05) -> Iterator[str]:
    """Yield the classes that no seed puts up, but that many resamples would."""
    for label, weight in weights["weights"].items():
        if weight == 1 and often[label] >= least:
            yield f"{label} {often[label]:.0%}"


def selection_section(rows: Sequence[Row], ensembles: Mapping[str, Mapping], shown: str, level: float) -> str:
    """Tell what it costs to have chosen the members of the ensembles on development data.

    Args:
        rows: of Table 2.
        ensembles: row to its entry in metrics/ensemble.json.
        shown: the row whose classes are shown.
        level: of the intervals.
    """
    return f"""Selection is optimistic where it selects (†). Development and test set differ in patients too: what the plain mean of the \
same models loses from one to the other is that difference, and what an ensemble loses beyond it is optimism ({level:.0%} intervals; \
members, weights and thresholds are chosen again on resampled development patients, and scored on resampled test patients). What other \
choices would have changed is part of every interval of Table 2.

{optimism_table(rows, ensembles)}
{stability_text(shown, ensembles[shown])}
"""


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
        point, low, high = map(signed, entry["optimism"])
        lines.append([*cells, signed(gap), signed(plain), f"{point} [{low}, {high}]" if mark else "–"])
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
