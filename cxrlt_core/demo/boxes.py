"""Bounding boxes of the findings in synthetic images, with which a model's attention is compared."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.system.files import read_parquet, write_parquet

#: Edges of a box, as shares of the image's side from its left and its top.
EDGES = ("left", "top", "right", "bottom")

#: Thickness that changes a pixel by about two grey values; a finding below it has no box.
VISIBLE = 0.02


def bounding_boxes(amount: np.ndarray) -> np.ndarray:
    """Return the box around the pixels with at least half of a finding's greatest effect.

    ``amount``, (n, size, size), is the thickness that the finding adds or subtracts. Returns ``EDGES`` of
    each, float32 (n, 4) in 0..1, NaN if the finding is invisible.
    """
    effect = np.abs(amount)
    most = effect.max((1, 2), keepdims=True)
    inside = (effect >= most / 2) & (most >= VISIBLE)
    columns, rows, size = inside.any(1), inside.any(2), amount.shape[-1]
    first = [visible.argmax(1) for visible in (columns, rows)]
    last = [size - visible[:, ::-1].argmax(1) for visible in (columns, rows)]
    boxes = np.stack([*first, *last], axis=1).astype(np.float32) / np.float32(size)
    boxes[~columns.any(1)] = np.nan
    return boxes


def write_boxes(path: Path | str, images: Sequence[str], boxes: np.ndarray) -> None:
    """Write a row for each finding that has a box: ``path`` of its image, ``class`` and ``EDGES``.

    ``images`` are the paths of N images; boxes are float (N, 26, 4), NaN without a box.
    """
    row, column = np.nonzero(np.isfinite(boxes).all(-1))
    table = pd.DataFrame({"path": np.asarray(images)[row], "class": np.asarray(CLASSES)[column]})
    table[list(EDGES)] = boxes[row, column].astype(np.float32)
    write_parquet(path, table)


def read_boxes(path: Path | str, images: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Read the boxes of N images and C classes, float32 (N, C, 4), NaN without a box."""
    table, boxes = read_parquet(path), np.full((len(images), len(classes), len(EDGES)), np.nan, np.float32)
    row, column = (
        pd.Index(names).get_indexer(table[key]) for key, names in (("path", images), ("class", classes))
    )
    known = (row >= 0) & (column >= 0)
    boxes[row[known], column[known]] = table.loc[known, list(EDGES)].to_numpy()
    return boxes
