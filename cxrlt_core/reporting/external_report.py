"""Table 3: frozen models on sets that they have not seen, as JSON, CSV and markdown."""

from collections.abc import Iterator, Mapping

import pandas as pd

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.evidence.external import (
    EXACT,
    LEAST,
    NEAR,
    ClassCounts,
    ExternalResults,
    Numbers,
)
from cxrlt_core.reporting.markdown import markdown_table
from cxrlt_core.reporting.notes import noted
from cxrlt_core.results.study import Results
from cxrlt_core.system import text
from cxrlt_core.system.rounding import rounded

External = Mapping[str, ExternalResults]  # set to what was found on it
NONE = "No external set: `data.external` is empty.\n"
KINDS = {
    EXACT: "that the set labels",
    NEAR: "of which it labels only what is near them, or more or less",
}
#: Metric to the head of its column.
TITLES = {
    "AUROC": "AUROC", "AUROC_drop": "lost to own test", "matched_AP": "AP at own prevalence",
    "AP_drop": "lost to own test", "AP": "AP as it is there",
}  # fmt: skip
COLUMNS = ("set", "row", "kind", "labels", "classes", "positives", "chance", "own_chance", "struck")


def table3_json(external: External) -> dict[str, dict[str, dict[str, float | None]]]:
    """Set to row of Table 2 to its means over the classes that the set labels, as ``dvc exp show`` can hold them."""
    return {
        name: {
            row: {"AUROC": numbers.AUROC.point, "matched_AP": numbers.matched_AP.point}
            for row, scored in results.ensembles.items()
            for numbers in [scored.means.get(EXACT, Numbers())]
        }
        for name, results in external.items()
    }


def table3_csv(external: External, note: str) -> str:
    """All means, a line a set, row and kind of classes; a note stands in a column of its own."""
    metrics = [f"{metric}{end}" for metric in TITLES for end in ("", "_low", "_high")]
    columns = [*COLUMNS, *metrics, "own_AUROC", "own_AP", "F1", "ECE_scaled", *(["note"] if note else [])]
    return pd.DataFrame(noted(list(_records(external)), note), columns=columns).to_csv(index=False)


def _records(external: External) -> Iterator[dict[str, object]]:
    for name, results in external.items():
        for kind, rows in (("ensemble", results.ensembles), ("variant", results.variants)):
            for row, scored in rows.items():
                for labels, numbers in scored.means.items() if not scored.struck else [("", Numbers())]:
                    used = _used(results, labels)
                    chance, own_chance = _chance(used)
                    yield {
                        "set": name,
                        "row": row,
                        "kind": kind,
                        "labels": labels,
                        "classes": len(used),
                        "positives": sum(counts.positive for counts in used.values()),
                        "chance": chance,
                        "own_chance": own_chance,
                        "struck": scored.struck,
                        **_flat(numbers),
                    }


def _flat(numbers: Numbers) -> dict[str, float | None]:
    flat: dict[str, float | None] = {}
    for metric, value in vars(numbers).items():
        if isinstance(value, Interval):
            flat |= dict(zip((metric, f"{metric}_low", f"{metric}_high"), value, strict=True))
        else:
            flat[metric] = value
    return flat


def _used(results: ExternalResults, kind: str) -> dict[str, ClassCounts]:
    """Return the classes that a mean is over."""
    return {name: counts for name, counts in results.classes.items() if counts.enough and counts.kind == kind}


def _chance(used: Mapping[str, ClassCounts]) -> tuple[float | None, float | None]:
    """Return the mean AP of scores drawn at random: the mean share of positives there, and in the own test."""
    if not used:
        return None, None
    there = sum(counts.positive / counts.known for counts in used.values())
    own = sum(counts.prevalence or 0 for counts in used.values())
    return rounded(there / len(used)), rounded(own / len(used))


def table3_markdown(external: External) -> str:
    """Return the tables of all sets as people read them."""
    return "\n".join(f"### {_title(name, one)}\n\n{_means(one)}" for name, one in external.items()) or NONE


def external_sections(results: Results) -> list[str]:
    """Return the section of the report; none where no set is named."""
    if not results.external:
        return []
    parts = [_set(name, one, results) for name, one in results.external.items()]
    return [
        f"""## Table 3: other hospitals

The models and ensembles of this study, frozen: weights, members, thresholds and temperature are those that were chosen before, \
and nothing is chosen here. All predict with TTA ({results.params.tta.views} views). AUROC does not move with prevalence. AP does, so it is \
told at the prevalence of the own test set: a positive weighs r = q / (1 − q) · N / P negatives, where q is the prevalence \
on the own test set and P and N are the positives and negatives there (docs/external-sets.md); beside it as it is. *Lost to own \
test*: on the own test set less on this one, over the same classes. Intervals ({results.params.bootstrap.level:.0%}) resample the patients \
of both sets, each for itself; another training would move the numbers besides. Means are over classes with at least {LEAST} \
positives; a class with fewer has no AP.

A row is struck where a variant of it has trained on a source of the same hospital beside the study's own, or has seen an image \
or a patient of the set in training or development. Variants alone have no loss: the own test set scores ensembles only.

{chr(10).join(parts)}"""
    ]


def _title(name: str, results: ExternalResults) -> str:
    labels = "human labels" if results.human else "labels of a machine"
    return f"`{name}`: {'images of the own hospital' if results.own else 'another hospital'}, {labels}"


def _set(name: str, one: ExternalResults, results: Results) -> str:
    there = [row for row in (results.shown[0], *one.ensembles) if not one.ensembles[row].struck]
    classes = f"\n{_classes(one, there[0])}" if there else ""
    return f"""### {_title(name, one)}

{one.images:,} images of {one.patients:,} patients.

{_means(one)}{_published(results.params.data.external[name].published)}{classes}"""


def _means(results: ExternalResults) -> str:
    """Show the means of each kind of classes; struck rows once, with the reason."""
    blocks = []
    rows = {**results.ensembles, **{f"{name} (alone)": row for name, row in results.variants.items()}}
    for kind, title in KINDS.items():
        if used := _used(results, kind):
            positives = sum(counts.positive for counts in used.values())
            lines = [
                [f"`{name}`", *_cells(row.means[kind])] for name, row in rows.items() if kind in row.means
            ]
            header = ["", *TITLES.values(), "F1", "ECE, scaled"]
            there, own = _chance(used)
            noun = "class" if len(used) == 1 else "classes"
            blocks.append(f"""Over {len(used)} {noun} {title}, {positives:,} positives. By chance AP is {text.number(own)} at \
own prevalence and {text.number(there)} as it is there.

{markdown_table(header, lines)}""")
        elif kind == EXACT:
            blocks.append(
                f"No class that the set labels has {LEAST} positives on it and labels of both kinds on both sets.\n"
            )
    struck = [f"- ~~`{name}`~~: {row.struck}\n" for name, row in rows.items() if row.struck]
    return "\n".join(
        [*blocks, *(["Struck, not external to the set:\n\n" + "".join(struck)] if struck else [])]
    )


def _cells(numbers: Numbers) -> list[str]:
    cells = []
    for metric in TITLES:
        value = getattr(numbers, metric)
        lost = metric.endswith("drop") and value.point is not None
        cells.append(text.bounded(*value) if lost else text.within(*value))
    return [*cells, text.number(numbers.F1), text.number(numbers.ECE_scaled)]


def _classes(results: ExternalResults, shown: str) -> str:
    """Show the classes of an ensemble, exact ones first."""
    ordered = sorted(results.classes.items(), key=lambda item: list(KINDS).index(item[1].kind))
    header = ["class", "labels", "positive", "of known", "patients", *TITLES.values()]
    lines = [
        [
            name,
            counts.kind,
            *(f"{number:,}" for number in (counts.positive, counts.known, counts.patients)),
            *_cells(results.ensembles[shown].classes[name])[: len(TITLES)],
        ]
        for name, counts in ordered
    ]
    return f"By class, `{shown}`; intervals of a class as under *Classes*.\n\n{markdown_table(header, lines)}"


def _published(published: Mapping[str, float]) -> str:
    """Name the figures of others."""
    listed = ", ".join(f"{name} {text.number(figure)}" for name, figure in published.items())
    return f"\nPublished mean AUROC of others, with other training data: {listed}.\n" if published else ""
