"""What the figures show, as flat records: a line of the CSV beside a figure each."""

from collections.abc import Mapping, Sequence

import numpy as np

from cxrlt_core.figures.reweighting import BLOCKS
from cxrlt_core.labels import GROUPS
from cxrlt_core.reporting.designs import TICK
from cxrlt_core.reporting.tables import Row, rows_text
from cxrlt_core.system.rounding import rounded

BOUNDS = ("", "_low", "_high")
PHRASES = {"reweight": "reweight ×{}", "loss": "{} loss", "models": "{} models"}


def row_label(row: Row, number: int) -> str:
    """Name a row by its number and designs."""
    parts = []
    for column, value in row.design.items():
        if value:
            parts.append(column if value == TICK else PHRASES.get(column, "{}").format(value))
    return f"{number}  {', '.join(parts)}"


def of_table(rows: Sequence[Row]) -> list[dict]:
    """Return the mAP column of a table."""
    return [
        {
            "row": row_label(row, number),
            **dict(zip(("mAP", "low", "high"), (row.metrics[f"mAP{b}"] for b in BOUNDS), strict=True)),
            "published": row.published,
            "selected": row.selected,
        }
        for number, row in enumerate(rows, 1)
    ]


def of_contrasts(rows: Sequence[Row], contrasts: Sequence[Mapping]) -> list[dict]:
    """Return what designs change; :func:`cxrlt_core.evidence.contrasts.to_json` has the contrasts."""
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    return [
        {
            **{key: one[key] for key in ("what", "change", "family", "published", "verdict")},
            "rows": rows_text(one["rows"], numbers),
            **_bounded("difference", one["difference"]),
            **dict(zip(("simultaneous_low", "simultaneous_high"), one["simultaneous"], strict=True)),
        }
        for one in contrasts
    ]


def of_parts(rows: Sequence[Row], planned: Sequence[Mapping], table: str) -> list[dict]:
    """Return the parts of the variance of contrasts that have one, from the plan of a table."""
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    return [
        {
            "table": table,
            **{key: one[key] for key in ("what", "change")},
            "rows": rows_text(one["rows"], numbers),
            **one["variance"],
        }
        for one in planned
        if one["variance"]
    ]


def of_sets(classes: Mapping[str, Mapping], sets: Mapping[str, Mapping]) -> list[dict]:
    """Return the positives of every class in every set."""
    return [
        {**_class(name, entry), **{key: one["classes"][name]["positive"] for key, one in sets.items()}}
        for name, entry in classes.items()
    ]


def of_scores(classes: Mapping[str, Mapping], scored: Mapping[str, Mapping[str, Mapping]]) -> list[dict]:
    """Return the average precision of every class with several predictions of the same set.

    Args:
        classes: class to group and training prevalence.
        scored: name of a prediction to class to ``AP``, ``AP_low``, ``AP_high``, ``positive``, ``known``.
    """
    counts = next(iter(scored.values()))
    return [
        {
            **_class(name, entry),
            "positive": counts[name]["positive"],
            "chance": _share(counts[name]["positive"], counts[name]["known"]),
            **{f"{key}{b}": its[name][f"AP{b}"] for key, its in scored.items() for b in BOUNDS},
        }
        for name, entry in classes.items()
    ]


def of_changes(
    classes: Mapping[str, Mapping], found: Mapping[str, Sequence], patients: Mapping[str, int]
) -> list[dict]:
    """Return what a design changes in every class; found: class to difference, low, high."""
    return [
        {**_class(name, entry), "patients": patients[name], **_bounded("difference", found[name])}
        for name, entry in classes.items()
    ]


def of_reweighting(
    classes: Mapping[str, Mapping], found: Mapping[str, Sequence], weights: Mapping
) -> list[dict]:
    """Return what class weights were, and what changed; weights: content of a weights file."""
    block = {name: block for block, its in upweighted(weights).items() for name in its}
    return [
        {
            **_class(name, entry),
            "weight": weights["weights"][name],
            "block": block[name],
            **_bounded("difference", found[name]),
        }
        for name, entry in classes.items()
    ]


def upweighted(weights: Mapping) -> dict[str, list[str]]:
    """Return the classes that all seeds put up, that some do, and that none does; none of these is empty.

    Args:
        weights: content of a weights file.
    """
    seeds = [one["weights"] for one in weights["seeds"].values()]
    blocks: dict[str, list[str]] = {name: [] for name in BLOCKS}
    for name in weights["weights"]:
        share = sum(one[name] != 1 for one in seeds) / len(seeds)
        blocks[BLOCKS[0] if share == 1 else BLOCKS[1] if share else BLOCKS[2]].append(name)
    return {block: its for block, its in blocks.items() if its}


def of_choice(classes: Mapping[str, Mapping], ensemble: Mapping) -> list[dict]:
    """Return the weights of an ensemble's models, and how often each would be chosen again."""
    return [
        {
            **_class(name, entry),
            "stability": ensemble["stability"][name],
            **dict(zip(ensemble["models"], ensemble["weights"][name], strict=True)),
            **{
                f"{model}_again": share
                for model, share in zip(ensemble["models"], ensemble["chosen_again"][name], strict=True)
            },
        }
        for name, entry in classes.items()
    ]


def of_together(
    classes: Mapping[str, Mapping], names: Sequence[str], both: np.ndarray, known: np.ndarray
) -> list[dict]:
    """Return how often classes occur together, commonest classes first.

    Args:
        classes: class to group and training prevalence.
        names: of the C columns.
        both: images positive for both, int (C, C).
        known: images positive for the first in which the second is known, int (C, C).
    """
    order = sorted(range(len(names)), key=lambda c: _rank(classes[names[c]]))
    return [
        {
            "class": names[i],
            "other": names[j],
            "both": int(both[i, j]),
            "share": _share(both[i, j], known[i, j]) if i != j else None,
            "expected": rounded(classes[names[j]]["prevalence"]),
        }
        for i in order
        for j in order
    ]


def of_reliability(curves: Mapping) -> list[dict]:
    """Return the bins of an ensemble's entry in metrics/ensemble.json."""
    return [
        {"which": which, **dict(zip(bins, values, strict=True))}
        for which, bins in curves["reliability"].items()
        for values in zip(*bins.values(), strict=True)
    ]


def of_precision_recall(curves: Mapping) -> list[dict]:
    """Return the points of an ensemble's entry in metrics/ensemble.json."""
    return [
        {"class": name, "recall": recall, "precision": precision}
        for name, curve in curves["precision_recall"].items()
        for recall, precision in zip(curve["recall"], curve["precision"], strict=True)
    ]


def of_costs(
    rows: Sequence[Row], title: str, models: Sequence[Sequence[str]], costs: Mapping[str, Sequence[Mapping]]
) -> list[dict]:
    """Return what the trainings behind each row took, with one seed, beside its mAP.

    Args:
        rows: of a table.
        title: of the table.
        models: variants behind each row.
        costs: variant to its models' cost.json, one a seed.
    """
    taken = {name: np.mean([cost["seconds"] for cost in its]) for name, its in costs.items()}
    return [
        {"table": title, "number": number, **one, "seconds": round(sum(taken[name] for name in names), 1)}
        for number, (one, names) in enumerate(zip(of_table(rows), models, strict=True), 1)
    ]


def _class(name: str, entry: Mapping) -> dict:
    return {"class": name, "group": entry["group"], "prevalence": entry["prevalence"]}


def _share(count: int, total: int) -> float | None:
    return rounded(count / total) if total else None


def _rank(entry: Mapping) -> tuple[int, float]:
    return GROUPS.index(entry["group"]), -(entry["prevalence"] or 0)


def _bounded(name: str, values: Sequence) -> dict:
    return dict(zip((name, "low", "high"), values, strict=True))
