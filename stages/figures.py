"""Draw the report's figures into reports/figures/."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from cxrlt_core.labels import POSITIVE
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting import plots
from cxrlt_core.reporting.evidence_report import shown_ensemble
from cxrlt_core.reporting.tables import TICK, Row, caveat, rows_text
from stages.artifacts.arrays import open_images
from stages.artifacts.sets import read_set

FOLDER = Path("reports/figures")


def draw_figures(
    params: Params,
    summary: Mapping,
    classes: Mapping[str, Mapping],
    ensembles: Mapping[str, Mapping],
    histories: Mapping[str, Mapping],
    tables: Mapping[str, Sequence[Row]],
    contrasts: Mapping[str, Sequence[Mapping]],
) -> list[str]:
    """Draw all figures and return their file names."""
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
    if params.report.show_images:
        figures["examples.png"] = examples(params)
    for name, figure in figures.items():
        plots.save_figure(figure, FOLDER / name, caveat(params))
    return list(figures)


def forest(rows: Sequence[Row], label: str) -> Figure:
    """Draw a table's mAP column."""
    numbers = [[np.nan if row.metrics[k] is None else row.metrics[k] for k in KEYS] for row in rows]
    captions = [caption(row, number) for number, row in enumerate(rows, 1)]
    return plots.table_forest([(c, *n) for c, n in zip(captions, numbers, strict=True)], label)


def contrast_labels(rows: Sequence[Row], contrasts: Sequence[Mapping]) -> list[str]:
    """Name contrasts by design, change and the numbers of their rows."""
    numbers = {row.name: number for number, row in enumerate(rows, 1)}
    return [f"{c['what']}  {c['change']}  ({rows_text(c['rows'], numbers)})" for c in contrasts]


def examples(params: Params, count: int = 16) -> Figure:
    """Show the first development images with their positive labels."""
    data = read_set("dev")
    positions = np.arange(min(count, len(data.table)))
    images = open_images(data, params.image).gather(positions).numpy()[:, 0]
    names = [[c for c, t in zip(data.classes, row, strict=True) if t == POSITIVE] for row in data.targets]
    captions = ["\n".join(names[i][:3]) + (" …" if len(names[i]) > 3 else "") for i in positions]
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
