"""Write the tables, the figures and reports/report.md.

Usage: python -m stages.report
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from cxrlt_core.evidence.scoring import Classes, Score, class_numbers, contrast, describe_classes, score
from cxrlt_core.evidence.training_noise import PooledNoise
from cxrlt_core.figures.picture import Picture
from cxrlt_core.figures.style import save
from cxrlt_core.labels import POSITIVE
from cxrlt_core.metrics.bootstrap import patient_draws
from cxrlt_core.metrics.calibration import calibrate_on_itself
from cxrlt_core.metrics.curves import together
from cxrlt_core.metrics.scores import average_precision
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.figure_data import upweighted
from cxrlt_core.reporting.figures import Findings, draw_figures, examples, largest, reweighted
from cxrlt_core.reporting.report import Study, render
from cxrlt_core.reporting.rows import headline, table1, table2
from cxrlt_core.reporting.tables import Row, caveat, to_csv, to_json, to_markdown
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import existing, read_json, write_json, write_text
from cxrlt_core.system.rounding import rounded
from stages.artifacts.arrays import open_images
from stages.artifacts.border import run_stage
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
    weights = {name: read_json(f"weights/{name}.json") for name in params.reweightings}
    scores, noise = score_table1(params, weights, device)
    rows, contrasts = table1(params, scores, noise)
    tables = {"table1": rows, "table2": table2(params, ensembles["rows"])}
    contrasts = {"table1": contrasts, "table2": ensembles["contrasts"]}
    write_tables(params, tables, contrasts)
    seeds = params.train.seeds
    costs = {n: [read_json(model_folder(n, seed) / "cost.json") for seed in seeds] for n in params.variants}
    summary, classes = read_json("data/summary.json"), read_json("data/sets/classes.json")
    dev_patients = positive_patients(scores[params.table1[0].name].classes)
    primary = read_set("train_primary")
    changes = class_changes(params, contrasts["table1"], scores, noise, weights)
    found = Findings(
        summary, classes, tables, contrasts, **changes,
        patients=dev_patients, together=(primary.classes, *together(primary.targets)), ensembles=ensembles,
        history=read_history(params.variants), costs=costs,
    )  # fmt: skip
    pictures = draw_figures(params, found)
    if params.report.show_images:
        pictures["examples"] = example_images(params)
    save_pictures(pictures, caveat(params))
    study = Study(
        params, summary, classes, **tables, ensembles=ensembles["rows"], contrasts=contrasts, costs=costs,
        texts={name: text_origin(name) for name in params.text_encoders},
        positives={
            "dev": dev_patients,
            "test": positive_patients(ensembles["rows"][params.table2[0].name]["classes"]),
        },
        weights=weights,
        encoders={name: read_json(f"data/encoders/{name}.json") for name in params.image_encoders},
        versions=versions(), revision=revision(),
        figures={name: one.caption for name, one in pictures.items()},
    )  # fmt: skip
    write_text("reports/report.md", render(study))
    plain = [read_json(f"metrics/dev/{name}.json")["mAP"] for name in params.variants]
    write_json("reports/summary.json", headline(plain, summary["sets"]["dev"]["classes"], tables))
    write_json("reports/provenance.json", provenance(params, ensembles["rows"], costs))


ENSEMBLES = "metrics/ensemble.json"


def score_table1(
    params: Params, weights: Mapping[str, Mapping], device: torch.device
) -> tuple[dict[str, Score], PooledNoise]:
    """Score the rows of Table 1 on the development set, all on the same resampled patients.

    Besides the usual means, those of the classes that each of the weights puts up, and of the others.
    """
    dev, settings = read_set("dev"), params.bootstrap
    patients = dev.table["patient_id"]
    draws = patient_draws(patients, settings.resamples, settings.seed)
    classes = describe_classes(dev.targets, draws, dev.classes, read_groups(), params.evidence.min_positives)
    sets = {
        f"{name}: {block}": its for name, one in weights.items() for block, its in upweighted(one).items()
    }
    classes, scores = replace(classes, sets=sets), {}
    for row in params.table1:
        predictions = read_dev(params, dev, row.variant, row.tta)
        fits = [calibrate_on_itself(dev.targets, one, patients) for one in predictions]
        scores[row.name] = score(dev.targets, predictions, fits, classes, draws, device)
    return scores, training_noise(params, dev, classes)


def training_noise(params: Params, dev: LabelledSet, classes: Classes) -> PooledNoise:
    """Score every member of the study with each seed, without TTA and with it."""
    ap = np.array(
        [
            [
                [average_precision(dev.targets, one) for one in read_dev(params, dev, name, tta)]
                for name in params.members
            ]
            for tta in (False, True)
        ]
    )
    return PooledNoise({row.name: (row.variant, row.tta) for row in params.table1}, classes.means(ap))


def read_dev(params: Params, dev: LabelledSet, variant: str, tta: bool) -> list[np.ndarray]:
    """Read the development predictions of a variant, (N, C) for each seed."""
    seeds, rule = params.train.seeds, params.study.aggregate
    paths = [tta_path(variant, seed, "dev") if tta else dev_path(variant, seed) for seed in seeds]
    return [read_predictions(path, dev, rule) for path in paths]


def positive_patients(classes: Mapping[str, Mapping]) -> dict[str, int]:
    """Return how many patients are positive for each class."""
    return {name: entry["patients"] for name, entry in classes.items()}


def write_tables(params: Params, tables: Mapping[str, Sequence[Row]], contrasts: Mapping) -> None:
    """Write the tables and their contrasts as JSON, CSV and markdown."""
    note, level = caveat(params), params.bootstrap.level
    for name, rows in tables.items():
        write_json(f"reports/{name}.json", to_json(rows))
        write_text(f"reports/{name}.csv", to_csv(rows, note))
        table = to_markdown(rows, level)
        write_text(f"reports/{name}.md", f"> {note}\n\n{table}" if note else table)
    write_json("reports/contrasts.json", contrasts)


def class_changes(
    params: Params,
    contrasts: Sequence[Mapping],
    scores: Mapping[str, Score],
    noise: PooledNoise,
    weights: Mapping[str, Mapping],
) -> dict:
    """Return, for :class:`Findings`, what the drawn contrasts of Table 1 change class by class."""
    level, changes, means = params.bootstrap.level, {}, []
    for number in {largest(contrasts), reweighted(contrasts)} - {None}:
        row, reference = contrasts[number]["rows"]
        changes[number] = class_numbers(scores, {row: 1.0, reference: -1.0}, noise, level)
    if (number := reweighted(contrasts)) is not None:
        row, reference = contrasts[number]["rows"]
        [name] = {params.variants[one.variant].weights for one in params.table1 if one.name == row}
        weights = weights[name]
        for block in upweighted(weights):
            one = contrast(scores, {row: 1.0, reference: -1.0}, f"{name}: {block}", noise)
            bounds = map(rounded, (one.point, *one.interval(level)))
            means.append({"block": block, **dict(zip(("difference", "low", "high"), bounds, strict=True))})
    return {"changes": changes, "means": means, "weights": weights}


def read_history(variants: Sequence[str]) -> list[dict]:
    """Read the training curves and write them into one file."""
    tables = [pd.read_csv(existing(f"models/{name}/history.csv")).assign(variant=name) for name in variants]
    together = pd.concat(tables)
    columns = ["variant", *together.columns.drop("variant")]
    write_text("reports/history.csv", together[columns].to_csv(index=False))
    return together[columns].to_dict("records")


def example_images(params: Params, count: int = 18) -> Picture:
    """Show the first development images."""
    data = read_set("dev")
    positions = np.arange(min(count, len(data.table)))
    images = open_images(data, params.image).gather(positions).numpy()[:, 0]
    labels = [np.array(data.classes)[row == POSITIVE].tolist() for row in data.targets[positions]]
    return examples(images, labels)


def save_pictures(pictures: Mapping[str, Picture], note: str) -> None:
    """Write each picture, and the numbers in it as CSV beside it."""
    for name, one in pictures.items():
        save(one.figure, f"reports/figures/{name}.png", note)
        if one.records:
            write_text(f"reports/figures/{name}.csv", pd.DataFrame(one.records).to_csv(index=False))


if __name__ == "__main__":
    run_stage(main)
