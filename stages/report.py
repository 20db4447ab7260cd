"""Write the tables, the figures, reports/report.md, and the same as one file, reports/report.html.

Usage: python -m stages.report
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from cxrlt_core.evidence.scoring import Score, describe_classes
from cxrlt_core.evidence.training_noise import PooledNoise
from cxrlt_core.evidence.trainings import pooled_noise, score_rows
from cxrlt_core.labels import POSITIVE
from cxrlt_core.metrics.bootstrap import patient_draws
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.answer_report import answer_text
from cxrlt_core.reporting.figures import draw_figures, examples
from cxrlt_core.reporting.html import html_page
from cxrlt_core.reporting.planner_report import plan_study
from cxrlt_core.reporting.plot_data import classes_csv, contrasts_csv
from cxrlt_core.reporting.plots import save_figure
from cxrlt_core.reporting.report import render
from cxrlt_core.reporting.rows import effects1, headline, table1, table2
from cxrlt_core.reporting.study import Study
from cxrlt_core.reporting.tables import Row, caveat, to_csv, to_json, to_markdown
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import read_json, write_json, write_text
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
from stages.artifacts.histories import gather_histories
from stages.artifacts.leftovers import remove_leftovers
from stages.artifacts.paths import dev_path, model_folder, tta_path
from stages.artifacts.predictions import read_predictions
from stages.artifacts.provenance import provenance, revision, text_origin, versions
from stages.artifacts.sets import LabelledSet, read_groups, read_set


def main(params: Params) -> None:
    """Write reports/."""
    folders = ("metrics/dev", "models", "predictions/dev", "predictions/tta", "weights")
    remove_leftovers(params, "data/encoders", "data/text", *folders)
    device, ensembles = open_device(params.compute.device, params.compute.threads), read_json(ENSEMBLES)
    scores, noise = score_table1(params, device)
    rows, contrasts = table1(params, scores, noise)
    tables = {"table1": rows, "table2": table2(params, ensembles["rows"])}
    contrasts = {"table1": contrasts, "table2": ensembles["contrasts"]}
    write_tables(params, tables)
    seeds = params.train.seeds
    costs = {n: [read_json(model_folder(n, seed) / "cost.json") for seed in seeds] for n in params.variants}
    summary, classes = read_json("data/summary.json"), read_json("data/sets/classes.json")
    planner = plan_study(params, contrasts, summary["sets"])
    effects = effects1(params, scores, noise)
    for name, content in (("contrasts", contrasts), ("planner", planner), ("effects", effects)):
        write_json(f"reports/{name}.json", content)
    histories = gather_histories(params.variants)
    figures = draw_figures(params, summary, classes, ensembles["rows"], histories, tables, contrasts, planner)
    if params.report.show_images:
        figures["examples.png"] = example_images(params)
    for name, figure in figures.items():
        save_figure(figure, Path("reports/figures") / name, caveat(params))
    study = Study(
        params, summary, classes, **tables, ensembles=ensembles["rows"], contrasts=contrasts,
        effects=effects, planner=planner, costs=costs,
        texts={name: text_origin(name) for name in params.text_encoders},
        positives={
            "dev": positive_patients(scores[params.table1[0].name].classes),
            "test": positive_patients(ensembles["rows"][params.table2[0].name]["classes"]),
        },
        weights={name: read_json(f"weights/{name}.json") for name in params.reweightings},
        encoders={name: read_json(f"data/encoders/{name}.json") for name in params.image_encoders},
        versions=versions(), revision=revision(), figures=list(figures),
    )  # fmt: skip
    text = render(study)
    write_text("reports/report.md", text)
    write_text("reports/report.html", html_page(text, Path("reports")))
    metrics = {name: read_json(f"metrics/dev/{name}.json") for name in params.variants}
    write_text("reports/classes.csv", classes_csv(classes, metrics))
    write_text("reports/contrasts.csv", contrasts_csv(contrasts, tables))
    plain = [one["mAP"] for one in metrics.values()]
    write_json("reports/summary.json", headline(plain, summary["sets"]["dev"]["classes"], tables))
    write_json("reports/provenance.json", provenance(params, ensembles["rows"], costs))
    print(
        answer_text(params, contrasts, tables) if any(contrasts.values()) else "There is nothing to compare."
    )
    print("The report is in reports/report.html and reports/report.md")


ENSEMBLES = "metrics/ensemble.json"


def score_table1(params: Params, device: torch.device) -> tuple[dict[str, Score], PooledNoise]:
    """Score the rows of Table 1 on the development set, and tell how noisy trainings are."""
    dev, settings = read_set("dev"), params.bootstrap
    draws = patient_draws(dev.table["patient_id"], settings.resamples, settings.seed)
    classes = describe_classes(dev.targets, draws, dev.classes, read_groups(), params.evidence.min_positives)
    rows = {row.name: (row.variant, row.tta) for row in params.table1}

    def read(variant: str, tta: bool) -> list[np.ndarray]:
        return read_dev(params, dev, variant, tta)

    noise = pooled_noise(dev.targets, rows, params.members, read, classes)
    return score_rows(dev.targets, rows, read, classes, draws, device), noise


def read_dev(params: Params, dev: LabelledSet, variant: str, tta: bool) -> list[np.ndarray]:
    """Read the development predictions of a variant, (N, C) for each seed."""
    seeds, rule = params.train.seeds, params.study.aggregate
    paths = [tta_path(variant, seed, "dev") if tta else dev_path(variant, seed) for seed in seeds]
    return [read_predictions(path, dev, rule) for path in paths]


def positive_patients(classes: Mapping[str, Mapping]) -> dict[str, int]:
    """Return how many patients are positive for each class."""
    return {name: entry["patients"] for name, entry in classes.items()}


def write_tables(params: Params, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write the tables as JSON, CSV and markdown."""
    note, level = caveat(params), params.bootstrap.level
    for name, rows in tables.items():
        write_json(f"reports/{name}.json", to_json(rows))
        write_text(f"reports/{name}.csv", to_csv(rows, note))
        table = to_markdown(rows, level)
        write_text(f"reports/{name}.md", f"> {note}\n\n{table}" if note else table)


def example_images(params: Params, count: int = 16) -> Figure:
    """Show the first development images."""
    data = read_set("dev")
    positions = np.arange(min(count, len(data.table)))
    images = open_images(data, params.image).gather(positions).numpy()[:, 0]
    labels = [np.array(data.classes)[row == POSITIVE].tolist() for row in data.targets[positions]]
    return examples(images, labels)


if __name__ == "__main__":
    run_stage(main)
