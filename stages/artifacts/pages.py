"""What people read in reports/: tables in three forms, training curves, pictures with their numbers."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxrlt_core.demo.boxes import EDGES
from cxrlt_core.figures.picture import Picture
from cxrlt_core.figures.style import render, save
from cxrlt_core.labels import POSITIVE
from cxrlt_core.params.schema import Params
from cxrlt_core.reporting.figures import attention, examples
from cxrlt_core.reporting.tables import Row, caveat, noted, to_csv, to_json, to_markdown
from cxrlt_core.system.files import existing, read_parquet, write_json, write_text
from cxrlt_core.system.threads import in_threads
from stages.artifacts.arrays import open_images
from stages.artifacts.sets import read_set

EXAMPLES = 12  # images


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
    paths = {name: f"reports/figures/{name}.png" for name in pictures}
    # a generator: a picture is drawn while those before it are written
    drawn = ((render(picture.figure, note), paths[name]) for name, picture in pictures.items())
    in_threads(lambda arguments: save(*arguments), drawn)
    for name, picture in pictures.items():
        if picture.records:
            table = pd.DataFrame(noted(picture.records, note))
            write_text(f"reports/numbers/{name}.csv", table.to_csv(index=False))


def gather_histories(variants: Sequence[str], note: str) -> list[dict]:
    """Write the curves of all variants into one file; return its lines, one a variant, seed and epoch.

    Args:
        variants: their names.
        note: of a demo, see :func:`cxrlt_core.reporting.tables.caveat`.
    """
    tables = [pd.read_csv(existing(f"models/{name}/history.csv")).assign(variant=name) for name in variants]
    together = pd.concat(tables)
    columns = ["variant", *together.columns.drop("variant")]
    records = together[columns].to_dict("records")
    write_text("reports/history.csv", pd.DataFrame(noted(records, note)).to_csv(index=False))
    return records


def draw_images(params: Params) -> dict[str, Picture]:
    """Draw what may be shown: real images only with ``report.show_images``."""
    pictures = {}
    if params.report.show_images:
        pictures["examples"] = _first_images(params)
    if params.report.show_images or params.data.primary in params.demo.sources:
        pictures |= _attention_maps(params)
    return pictures


def _first_images(params: Params) -> Picture:
    data = read_set("dev")
    positions = np.arange(min(EXAMPLES, len(data.table)))
    images = open_images(data, params).gather(positions).numpy()[:, 0]
    labels = [np.array(data.classes)[row == POSITIVE].tolist() for row in data.targets[positions]]
    return examples(images, labels)


def _attention_maps(params: Params) -> dict[str, Picture]:
    """Draw where the base variant looks, if it has maps."""
    table = read_parquet("predictions/attention.parquet")
    if table.empty:
        return {}
    images = open_images(read_set("dev"), params).gather(table["position"].to_numpy()).numpy()[:, 0]
    return {"attention": attention(_records(table), images)}


def _records(table: pd.DataFrame) -> list[dict]:
    """Return what :mod:`cxrlt_core.figures.attention_maps` draws."""
    boxes, side = table[list(EDGES)].to_numpy(), math.isqrt(len(table["map"].iloc[0]))
    return [
        {**row, "map": row["map"].reshape(side, side), "box": box if np.isfinite(box).all() else None}
        for row, box in zip(table.to_dict("records"), boxes, strict=True)
    ]
