"""Write the tables, the figures and reports/report.md.

Usage: python -m stages.report
"""

import pandas as pd

from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.report import Study, render
from cxrlt_core.reporting.tables import caveat, to_csv, to_json, to_markdown
from cxrlt_core.system.device import open_device
from cxrlt_core.system.files import existing, read_json, write_json, write_text
from stages.artifacts.border import run_stage
from stages.artifacts.provenance import provenance, revision, versions
from stages.artifacts.seeds import seed_paths
from stages.figures import draw_figures
from stages.tables import headline, score_table1, table1, table2


def main(params: Params) -> None:
    """Write reports/."""
    device = open_device(params.compute.device, params.compute.threads)
    ensembles = read_json("metrics/ensemble.json")
    rows, contrasts = table1(params, score_table1(params, device))
    tables = {"table1": rows, "table2": table2(params, ensembles["rows"])}
    contrasts = {"table1": contrasts, "table2": ensembles["contrasts"]}
    write_tables(params, tables, contrasts)
    costs = {n: [read_json(f"{p}/cost.json") for p in models(params, n)] for n in params.variants}
    summary, classes = read_json("data/summary.json"), read_json("data/sets/classes.json")
    histories = {n: pd.read_csv(existing(f"models/{n}/history.csv")).to_dict("list") for n in params.variants}
    figures = draw_figures(params, summary, classes, ensembles["rows"], histories, tables, contrasts)
    study = Study(
        params, summary, classes, **tables, ensembles=ensembles["rows"], contrasts=contrasts, costs=costs,
        weights={name: read_json(f"weights/{name}.json") for name in ("main", "contrast")},
        versions=versions(), revision=revision(), figures=figures,
    )  # fmt: skip
    write_text("reports/report.md", render(study))
    write_json("reports/summary.json", headline(params, summary, tables))
    write_json("reports/provenance.json", provenance(params, tables, ensembles["rows"], costs))


def models(params: Params, name: str) -> list[str]:
    """Return the folders of a variant's models, one a seed."""
    return list(seed_paths(params, f"models/{name}").values())


def write_tables(params: Params, tables: dict, contrasts: dict) -> None:
    """Write the tables and their contrasts as JSON, CSV and markdown."""
    note, level = caveat(params), params.bootstrap.level
    for name, rows in tables.items():
        write_json(f"reports/{name}.json", to_json(rows))
        write_text(f"reports/{name}.csv", to_csv(rows, note))
        table = to_markdown(rows, level)
        write_text(f"reports/{name}.md", f"> {note}\n\n{table}" if note else table)
    write_json("reports/contrasts.json", contrasts)


if __name__ == "__main__":
    run_stage(main)
