"""Which figures a report has, and what each of them shows; :mod:`cxrlt_core.reporting.plots` draws."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.evidence.contrasts import PRIMARY, published_steps
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting import plots
from cxrlt_core.reporting.designs import TICK
from cxrlt_core.reporting.evidence_report import shown_ensemble
from cxrlt_core.reporting.tables import Row, rows_text


def draw_figures(
    params: Params,
    summary: Mapping,
    classes: Mapping[str, Mapping],
    ensembles: Mapping[str, Mapping],
    histories: Mapping[str, Mapping],
    tables: Mapping[str, Sequence[Row]],
    contrasts: Mapping[str, Sequence[Mapping]],
    plans: Mapping[str, Mapping],
) -> dict[str, Figure]:
    """Draw the figures of a study, by file name.

    Args:
        params: of the study.
        summary: content of data/summary.json.
        classes: class to group and training prevalence.
        ensembles: row name to its entry in metrics/ensemble.json.
        histories: variant to epoch, loss and learning rate.
        tables: table to its rows.
        contrasts: table to its contrasts, as plain values.
        plans: table to its plan, from :func:`cxrlt_core.evidence.study_plan.plan`.
    """
    groups = {name: entry["group"] for name, entry in classes.items()}
    names = ["train_primary", "train_replenished"][: 2 if params.data.extra else 1]
    sets = {name: summary["sets"][name] for name in names}
    counts = {n: {c: v["positive"] for c, v in entry["classes"].items()} for n, entry in sets.items()}
    shown = shown_ensemble(params)
    figures = {
        "table1.png": forest(tables["table1"], "development mAP"),
        "table2.png": forest(tables["table2"], "test mAP"),
        "class_distribution.png": plots.class_distribution(
            counts, groups, {n: entry["images"] for n, entry in sets.items()}
        ),
        "per_class_ap.png": plots.ap_against_prevalence(ensembles[shown]["classes"], f"test set, {shown}"),
        "training_curves.png": plots.training_curves(histories),
    }
    for name, entry in ensembles.items():
        if name.startswith(("class_wise", "bagged")):
            figures[f"choice_{name}.png"] = plots.model_choice(entry["weights"], entry["models"], name)
    for number, (table, found) in enumerate(contrasts.items(), 1):
        if found:
            labels = contrast_labels(tables[table], found)
            figures[f"contrasts{number}.png"] = plots.contrast_forest(found, labels)
    if any(contrasts.values()):
        figures["variance.png"] = variance_figure(plans, tables)
    return figures


def forest(rows: Sequence[Row], label: str) -> Figure:
    """Draw a table's mAP column."""
    numbers = [[np.nan if row.metrics[k] is None else row.metrics[k] for k in KEYS] for row in rows]
    captions = [caption(row, number) for number, row in enumerate(rows, 1)]
    return plots.table_forest([(c, *n) for c, n in zip(captions, numbers, strict=True)], label)


def contrast_labels(rows: Sequence[Row], contrasts: Sequence[Mapping]) -> list[str]:
    """Name contrasts by design, change and the numbers of their rows."""
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    marks = ["" if c["family"] == PRIMARY else ", exploratory" for c in contrasts]
    return [
        f"{c['what']}  {c['change']}  ({rows_text(c['rows'], numbers)}{mark})"
        for c, mark in zip(contrasts, marks, strict=True)
    ]


def variance_figure(plans: Mapping[str, Mapping], tables: Mapping[str, Sequence[Row]]) -> Figure:
    """Draw the parts of the variance of the contrasts that the report shows."""
    names, parts = [], []
    for number, (table, one) in enumerate(plans.items(), 1):
        chosen = [c for c in published_steps(one["contrasts"]) if c["variance"]]
        names += [f"Table {number}: {label}" for label in contrast_labels(tables[table], chosen)]
        parts += [c["variance"] for c in chosen]
    return plots.variance_split(parts, names)


def examples(images: np.ndarray, labels: Sequence[Sequence[str]]) -> Figure:
    """Show images, uint8 (n, H, W), with the first of their positive labels."""
    captions = ["\n".join(names[:3]) + (" …" if len(names) > 3 else "") for names in labels]
    return plots.contact_sheet(images, captions)


KEYS = ("mAP", "mAP_low", "mAP_high")


def caption(row: Row, number: int) -> str:
    """Name a row by its designs."""
    parts = []
    for column, value in row.design.items():
        if value:
            parts.append(column if value == TICK else PHRASES.get(column, "{}").format(value))
    return f"{number}  {', '.join(parts)}"


PHRASES = {"reweight": "reweight ×{}", "loss": "{} loss", "models": "{} models"}
