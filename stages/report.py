"""Write the tables, the figures and reports/report.md.

Usage: python -m stages.report
"""

import platform
import subprocess
from importlib.metadata import version

import pandas as pd

from cxrlt_core.files import existing, read_json, write_json, write_text
from cxrlt_core.params import Params
from cxrlt_core.report import Study, render
from cxrlt_core.tables import caveat, to_csv, to_json, to_markdown
from stages.common import run_stage
from stages.figures import draw_figures
from stages.tables import headline, table1, table2

PACKAGES = ("torch", "timm", "transformers", "scikit-learn", "pandas", "numpy", "dvc")


def main(params: Params) -> None:
    """Write reports/."""
    costs = {name: read_json(f"models/{name}/cost.json") for name in params.variants}
    ensembles = read_json("metrics/ensemble.json")["rows"]
    tables = {"table1": table1(params, costs), "table2": table2(params, ensembles, costs)}
    note = caveat(params)
    for name, rows in tables.items():
        write_json(f"reports/{name}.json", to_json(rows))
        write_text(f"reports/{name}.csv", to_csv(rows, note))
        table = to_markdown(rows, params.bootstrap.level)
        write_text(f"reports/{name}.md", f"> {note}\n\n{table}" if note else table)
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
    write_json("reports/summary.json", headline(params, summary, tables))


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
