"""Write the tables, the figures and reports/report.md.

Usage: python -m stages.report
"""

import platform
import subprocess
from importlib.metadata import version

import pandas as pd

from cxrlt_core.bootstrap import patient_draws
from cxrlt_core.files import existing, read_json, write_json, write_text
from cxrlt_core.params import Params
from cxrlt_core.report import Study, render
from cxrlt_core.scoring import difference, rounded, score, table_metrics
from cxrlt_core.tables import Row, design_columns, to_csv, to_json, to_markdown
from stages.common import run_stage
from stages.figures import draw_figures
from stages.predictions import read_predictions
from stages.sets import read_groups, read_set

PACKAGES = ("torch", "timm", "transformers", "scikit-learn", "pandas", "numpy", "dvc")


def main(params: Params) -> None:
    """Write reports/."""
    costs = {name: read_json(f"models/{name}/cost.json") for name in params.variants}
    ensembles = read_json("metrics/ensemble.json")["rows"]
    tables = {"table1": table1(params, costs), "table2": table2(params, ensembles, costs)}
    for name, rows in tables.items():
        write_json(f"reports/{name}.json", to_json(rows))
        write_text(f"reports/{name}.csv", to_csv(rows))
        write_text(f"reports/{name}.md", to_markdown(rows, params.bootstrap.level))
    summary = read_json("data/summary.json")
    weights = {name: read_json(f"weights/{name}.json") for name in ("main", "contrast")}
    classes = read_json("data/sets/classes.json")
    histories = {n: pd.read_csv(existing(f"models/{n}/history.csv")).to_dict("list") for n in params.variants}
    figures = draw_figures(params, summary, classes, ensembles, histories, tables)
    study = Study(
        params, summary, classes, **tables, ensembles=ensembles, costs=costs, weights=weights,
        versions=versions(), revision=revision(), figures=figures,
    )  # fmt: skip
    write_text("reports/report.md", render(study))
    write_json("reports/summary.json", headline(params, study))


def table1(params: Params, costs: dict) -> list[Row]:
    """Score the rows of Table 1 on the development set, all on the same resampled patients."""
    dev, groups, level = read_set("dev"), read_groups(), params.bootstrap.level
    draws = patient_draws(dev.table["patient_id"], params.bootstrap.resamples, params.bootstrap.seed)
    rows, first = [], None
    for row in params.table1:
        file = f"tta/{row.variant}/dev" if row.tta else f"dev/{row.variant}"
        probabilities = read_predictions(f"predictions/{file}.parquet", dev)
        scored = score(dev.targets, probabilities, dev.classes, groups, draws)
        first = first or scored
        rows.append(
            Row(
                name=row.name,
                design=design_columns(params, row),
                metrics=table_metrics(scored, level),
                errors={name: rounded(scored.standard_error(name)) for name in scored.samples},
                difference=[rounded(x) for x in difference(scored, first, level)],
                published=row.published,
                seconds=costs[row.variant]["seconds"],
            )
        )
    return rows


def table2(params: Params, ensembles: dict, costs: dict) -> list[Row]:
    """Take the rows of Table 2 as the ensemble stage scored them."""
    return [
        Row(
            name=row.name,
            design={
                "ensemble": row.method.replace("_", "-"),
                "replenished": "✓" if row.replenished else "",
                "models": str(len(ensembles[row.name]["models"])),
            },
            metrics=ensembles[row.name]["metrics"],
            errors=ensembles[row.name]["errors"],
            difference=ensembles[row.name]["difference"],
            published=row.published,
            seconds=sum(costs[model]["seconds"] for model in ensembles[row.name]["models"]),
        )
        for row in params.table2
    ]


def headline(params: Params, study: Study) -> dict:
    """Return the few numbers to watch in ``dvc exp show``."""
    dev = study.summary["sets"]["dev"]["classes"].values()
    shares = [c["positive"] / known for c in dev if (known := c["positive"] + c["negative"])]
    prevalence = sum(shares) / len(shares)
    plain = [read_json(f"metrics/dev/{name}.json")["mAP"] for name in params.variants]
    return {
        "best_dev_mAP": max(row.metrics["mAP"] for row in study.table1),
        "best_test_mAP": max(row.metrics["mAP"] for row in study.table2),
        "mean_dev_prevalence": round(prevalence, 4),
        "lowest_dev_mAP_over_prevalence": round(min(plain) / prevalence, 4),
    }


def versions() -> dict[str, str]:
    """Return the versions of what computed the numbers."""
    return {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def revision() -> str:
    """Name the last commit that touched the code, and say whether the code has changed since."""
    code = ["--", "stages", "cxrlt_core", "dvc.yaml", "params.yaml"]
    commands = (["log", "-1", "--format=%h", *code], ["status", "--porcelain", *code])
    try:
        log, changed = (
            subprocess.run(["git", *c], capture_output=True, text=True, check=True).stdout.strip()
            for c in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return "not under git"
    return f"{log or 'never committed'}{', with uncommitted changes' if changed else ''}"


if __name__ == "__main__":
    run_stage(main)
