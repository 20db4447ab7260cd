"""What people read in reports/: tables in three forms, training curves, pictures with their numbers."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cxrlt_core.figures import Picture
from cxrlt_core.figures.style import render, save
from cxrlt_core.reporting.external_report import table3_csv, table3_json, table3_markdown
from cxrlt_core.reporting.html import html_page
from cxrlt_core.reporting.notes import caveat, noted
from cxrlt_core.reporting.report import render as render_report
from cxrlt_core.reporting.tables import classes_csv, contrasts_csv, headline, to_csv, to_json, to_markdown
from cxrlt_core.results.study import Results
from cxrlt_core.system.files import write_json, write_text
from cxrlt_core.system.records import to_json as plain
from cxrlt_core.system.threads import in_threads
from stages.artifacts.provenance import provenance
from stages.artifacts.trained import read_metrics


def write_numbers(results: Results) -> None:
    """Write the tables and what compares their rows, for people and for the plots of dvc.yaml."""
    params, note = results.params, caveat(results.params)
    for table in results.tables:
        text = to_markdown(table.rows, params.bootstrap.level)
        write_json(f"reports/{table.name}.json", to_json(table.rows))
        write_text(f"reports/{table.name}.csv", to_csv(table.rows, note))
        write_text(f"reports/{table.name}.md", f"> {note}\n\n{text}" if note else text)
    write_json("reports/table3.json", table3_json(results.external))
    write_text("reports/table3.csv", table3_csv(results.external, note))
    text = table3_markdown(results.external)
    write_text("reports/table3.md", f"> {note}\n\n{text}" if note else text)
    write_json("reports/contrasts.json", {table.name: plain(table.contrasts) for table in results.tables})
    write_json("reports/planner.json", {table.name: plain(table.power) for table in results.tables})
    write_json("reports/effects.json", plain(results.effects))
    metrics = {name: read_metrics(name) for name in params.variants}
    write_text("reports/classes.csv", classes_csv(results, metrics))
    write_text("reports/contrasts.csv", contrasts_csv(results))
    write_json("reports/summary.json", headline(results, [scores["mAP"] for scores in metrics.values()]))
    history = pd.DataFrame(noted([vars(epoch) for epoch in results.history], note))
    write_text("reports/history.csv", history.to_csv(index=False))
    members = {name: row.models for name, row in results.ensembles.rows.items()}
    write_json("reports/provenance.json", provenance(params, members))


def save_pictures(pictures: Sequence[Picture], note: str) -> None:
    """Write each picture, and its numbers as CSV: apart, since DVC plots a CSV that lies among pictures."""
    # one picture is drawn while those before it are written
    drawn = ((render(picture.figure, note), f"reports/figures/{picture.name}.png") for picture in pictures)
    in_threads(lambda image_and_path: save(*image_and_path), drawn)
    for picture in pictures:
        if picture.records:
            numbers = pd.DataFrame(noted(picture.records, note))
            write_text(f"reports/numbers/{picture.name}.csv", numbers.to_csv(index=False))


def write_report(results: Results, pictures: Sequence[Picture]) -> None:
    """Write the report and its appendix as markdown, and the same as one file."""
    pages = render_report(results, pictures)
    for path, text in pages.items():
        write_text(f"reports/{path}", text)
    write_text("reports/report.html", html_page(pages, Path("reports")))
