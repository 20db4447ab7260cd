"""Write the tables, the figures, reports/report.md, and the same as one file, reports/report.html.

Usage: python -m stages.report
"""

from collections.abc import Mapping
from pathlib import Path

from cxrlt_core.designs.reweight import reweightings
from cxrlt_core.metrics.curves import cooccurrence
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.answer_report import answer_text
from cxrlt_core.reporting.class_changes import class_changes, weight_blocks
from cxrlt_core.reporting.figures import Findings, draw_figures
from cxrlt_core.reporting.html import html_page
from cxrlt_core.reporting.planner_report import plan_study
from cxrlt_core.reporting.plot_data import classes_csv, contrasts_csv
from cxrlt_core.reporting.report import render
from cxrlt_core.reporting.rows import effects1, headline, table1, table2
from cxrlt_core.reporting.study import Study
from cxrlt_core.reporting.tables import caveat
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import read_json, write_json, write_text
from stages.artifacts.border import run_stage
from stages.artifacts.leftovers import remove_leftovers
from stages.artifacts.pages import draw_images, gather_histories, save_pictures, write_tables
from stages.artifacts.paths import model_folder
from stages.artifacts.provenance import provenance, revision, text_origin, versions
from stages.artifacts.scoring import score_table1, upweighted_shares
from stages.artifacts.sets import read_set


def main(params: Params) -> None:
    """Write reports/."""
    folders = ("metrics/dev", "models", "predictions/dev", "predictions/tta", "weights")
    remove_leftovers(params, "data/encoders", "data/text", *folders)
    device = open_device(params.compute.device, params.compute.threads)
    note, ensembles = caveat(params), read_json("metrics/ensemble.json")
    weights = {name: read_json(f"weights/{name}.json") for name in reweightings(params.reweight)}
    scores, noise = score_table1(params, weight_blocks(weights), device)
    rows, contrasts = table1(params, scores, noise)
    tables = {"table1": rows, "table2": table2(params, ensembles["rows"])}
    contrasts = {"table1": contrasts, "table2": ensembles["contrasts"]}
    write_tables(params, tables)
    costs = {
        name: [read_json(model_folder(name, seed) / "cost.json") for seed in params.train.seeds]
        for name in params.variants
    }
    summary, classes = read_json("data/summary.json"), read_json("data/sets/classes.json")
    planner = plan_study(params, contrasts, summary["sets"])
    effects = effects1(params, scores, noise)
    for name, content in (("contrasts", contrasts), ("planner", planner), ("effects", effects)):
        write_json(f"reports/{name}.json", content)
    positives = {
        "dev": positive_patients(scores[params.table1[0].name].classes),
        "test": positive_patients(ensembles["rows"][params.table2[0].name]["classes"]),
    }
    primary = read_set("train_primary")
    found = Findings(
        summary, classes, tables, contrasts,
        **class_changes(params, contrasts["table1"], scores, noise, weights),
        patients=positives["dev"], cooccurrence=(primary.classes, *cooccurrence(primary.targets)),
        ensembles=ensembles, history=gather_histories(params.variants, note), costs=costs, plans=planner,
    )  # fmt: skip
    pictures = draw_figures(params, found) | draw_images(params)
    save_pictures(pictures, note)
    study = Study(
        params, summary, classes, **tables, ensembles=ensembles["rows"], contrasts=contrasts,
        effects=effects, planner=planner, costs=costs, positives=positives, weights=weights,
        texts={name: text_origin(name) for name in params.text_encoders},
        upweighted=upweighted_shares(params, device),
        encoders={name: read_json(f"data/encoders/{name}.json") for name in params.image_encoders},
        versions=versions(), revision=revision(), attention=read_json("metrics/attention.json"),
        figures={name: one.caption for name, one in pictures.items()},
    )  # fmt: skip
    text = render(study)
    write_text("reports/report.md", text)
    write_text("reports/report.html", html_page(text, Path("reports")))
    metrics = {name: read_json(f"metrics/dev/{name}.json") for name in params.variants}
    write_text("reports/classes.csv", classes_csv(classes, metrics, note))
    write_text("reports/contrasts.csv", contrasts_csv(contrasts, tables, note))
    plain = [one["mAP"] for one in metrics.values()]
    write_json("reports/summary.json", headline(plain, summary["sets"]["dev"]["classes"], tables))
    write_json("reports/provenance.json", provenance(params, ensembles["rows"], costs))
    print(answer_text(params, contrasts, tables))
    print("The report is in reports/report.html and reports/report.md")


def positive_patients(classes: Mapping[str, Mapping]) -> dict[str, int]:
    """Return how many patients are positive for each class."""
    return {name: entry["patients"] for name, entry in classes.items()}


if __name__ == "__main__":
    run_stage(main)
