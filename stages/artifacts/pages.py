"""What people read in reports/: tables in three forms, and pictures with their numbers."""

from collections.abc import Mapping, Sequence

import pandas as pd

from cxrlt_core.figures.picture import Picture
from cxrlt_core.figures.style import render, save
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.tables import Row, caveat, noted, to_csv, to_json, to_markdown
from cxrlt_core.system.files import write_json, write_text
from cxrlt_core.system.threads import in_threads


def write_tables(params: Params, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write the tables as JSON, CSV and markdown."""
    note, level = caveat(params), params.bootstrap.level
    for name, rows in tables.items():
        write_json(f"reports/{name}.json", to_json(rows))
        write_text(f"reports/{name}.csv", to_csv(rows, note))
        table = to_markdown(rows, level)
        write_text(f"reports/{name}.md", f"> {note}\n\n{table}" if note else table)


def save_pictures(pictures: Mapping[str, Picture], note: str) -> None:
    """Write each picture, and its numbers as CSV: apart, since DVC plots a CSV that lies among pictures."""
    # one is drawn while those before it are written
    drawn = ((render(one.figure, note), f"reports/figures/{name}.png") for name, one in pictures.items())
    in_threads(lambda its: save(*its), drawn)
    for name, one in pictures.items():
        if one.records:
            table = pd.DataFrame(noted(one.records, note))
            write_text(f"reports/numbers/{name}.csv", table.to_csv(index=False))
