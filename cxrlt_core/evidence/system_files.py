"""Labels and predictions of anybody's making, read from CSV or Parquet files."""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from re import split
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv, parquet

from cxrlt_core.evidence.systems import Labels, System
from cxrlt_core.labels import UNKNOWN
from cxrlt_core.system.errors import StudyError, cut, meant, reason, shown
from cxrlt_core.system.files import existing

#: Column to its name in the tables of a study.
NAMES = {"image": "image_id", "patient": "patient_id"}
#: Further columns of those tables, and the nameless one of numbered rows: no classes.
OTHERS = ("study_id", "view", "path", "split", "source", "row", "digest", "")


@dataclass(frozen=True)
class Table:
    """A file as it was read."""

    path: Path
    columns: pa.Table

    @property
    def classes(self) -> list[str]:
        """Names of the columns that are classes."""
        return [name for name in self.columns.column_names if name not in (*NAMES, *OTHERS)]

    def fail(self, row: int, what: str) -> NoReturn:
        """Raise StudyError about a row, counted from 0; the line counts from 1, a header included."""
        raise StudyError(f"{self.path}: row {row + (1 if self.path.suffix == '.parquet' else 2)}: {what}")

    def text(self, column: str) -> pd.Series:
        """Return the names in a column; StudyError where one is missing."""
        if column not in self.columns.column_names:
            near = meant(column, self.columns.column_names)
            raise StudyError(f"{self.path}: missing column {column!r}{near}")
        kind = self.columns[column].type
        if pa.types.is_nested(kind) or pa.types.is_floating(kind):
            raise StudyError(f"{self.path}: {column}: expected names, found {kind}")
        names = self.columns[column].cast(pa.string()).to_pandas().fillna("").astype(str)
        if (nameless := (names == "").to_numpy()).any():
            self.fail(int(nameless.argmax()), f"no {column}, expected the name of one")
        return names

    def images(self) -> pd.Index:
        """Return the names of the images; StudyError where one is there twice."""
        images = pd.Index(self.text("image"))
        if (twice := images.duplicated()).any():
            row = int(twice.argmax())
            self.fail(row, f"image {shown(images[row])} is there twice, expected it once")
        return images

    def numbers(self, name: str, expected: str) -> np.ndarray:
        """Return a column of numbers, float64 (N,), NaN where empty; StudyError where one is none."""
        column, kind = self.columns[name], self.columns[name].type
        if pa.types.is_boolean(kind):
            column = column.cast(pa.int8())
        elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
            cells = enumerate(column.to_pylist())
            column = pa.array([self._number(row, name, cell, expected) for row, cell in cells])
        return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)

    def _number(self, row: int, name: str, cell: Any, expected: str) -> float | None:
        try:
            return float(cell) if cell not in (None, "") else None
        except (TypeError, ValueError):
            self.fail(row, f"{name}: expected {expected}, found {shown(cell)}")


def read_table(path: Path) -> Table:
    """Read a CSV file, which may be packed (.csv.gz), or a Parquet file; StudyError when it is none."""
    kind = "Parquet" if existing(path).suffix == ".parquet" else "CSV"
    try:
        columns = parquet.read_table(path) if kind == "Parquet" else _read_csv(path)
        names = [_short(name) for name in columns.column_names]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise StudyError(f"{path}: not readable as {kind}: {cut(reason(error), 200)}") from None
    for name in names:
        if names.count(name) > 1:
            raise StudyError(f"{path}: column {shown(name)} is there twice, expected it once")
    if not len(columns):
        raise StudyError(f"{path}: no row, expected one an image")
    return Table(Path(path), columns.rename_columns(names))


def _short(name: str) -> str:
    return next((short for short, long in NAMES.items() if long == name), name)


def _read_csv(path: Path) -> pa.Table:
    """Read a CSV file; what is empty is missing, and nothing else is."""
    text = dict.fromkeys((*NAMES, *NAMES.values(), *OTHERS), pa.string())
    options = csv.ConvertOptions(column_types=text, null_values=[""], true_values=[], false_values=[])
    return csv.read_csv(path, convert_options=options)


def read_labels(path: Path | str) -> Labels:
    """Read ``image``, ``patient``, then a column a class: 1, 0, and empty or -1 where it is unknown.

    The tables of a study will do, too. StudyError for what is wrong, with file and row.
    """
    table = read_table(Path(path))
    images, patients = table.images(), table.text("patient")
    if not table.classes:
        raise StudyError(f"{path}: no column of a class, expected one beside image and patient")
    targets = np.empty((len(images), len(table.classes)), np.int8)
    for c, name in enumerate(table.classes):
        marks = np.nan_to_num(table.numbers(name, "1, 0 or empty"), nan=UNKNOWN)
        if (wrong := ~np.isin(marks, (1, 0, UNKNOWN))).any():
            row = int(wrong.argmax())
            table.fail(row, f"{name}: expected 1, 0 or empty, found {marks[row]:g}")
        targets[:, c] = marks
    return Labels(images.to_numpy(), patients.to_numpy(), table.classes, targets)


def read_system(patterns: Sequence[str | Path], labels: Labels, logits: bool = False) -> System:
    """Read the predictions of a system, a file a seed: ``image``, then a probability, or a logit, a class.

    Files are in the order of their names, numbers by size. Images may be in any order; further ones, and
    further classes, are left out with a warning. StudyError for what is missing or wrong, with file and row.
    """
    paths = dict.fromkeys(path for pattern in patterns for path in _files(str(pattern)))
    seeds, warnings = [], []
    for path in paths:
        table = read_table(path)
        images = table.images()
        rows = _rows(table, images, labels)
        _check_patients(table, rows, labels)
        if missing := [name for name in labels.classes if name not in table.classes]:
            near = meant(missing[0], set(table.classes) - set(labels.classes))
            raise StudyError(f"{path}: missing class {', '.join(map(repr, missing))}{near}")
        seeds.append(_scores(table, rows, labels.classes, logits))
        if extra := len(images) - len(rows):
            warnings.append(f"{path}: {extra} images without labels are left out")
        if more := [name for name in table.classes if name not in labels.classes]:
            warnings.append(f"{path}: {len(more)} classes without labels are left out: {', '.join(more)}")
    return System(seeds, warnings)


def _files(pattern: str) -> list[Path]:
    """Find the files of a pattern, 2.csv before 10.csv."""
    paths = [pattern] if Path(pattern).is_file() else glob(pattern, recursive=True)
    if not paths:
        raise StudyError(f"{pattern}: no such file")
    numbered = {
        path: [int(part) if part.isdigit() else part for part in split(r"(\d+)", path)] for path in paths
    }
    return [Path(path) for path in sorted(paths, key=numbered.__getitem__)]


def _rows(table: Table, images: pd.Index, labels: Labels) -> np.ndarray:
    """Return the row of each labelled image, int64 (N,)."""
    rows = images.get_indexer(pd.Index(labels.images))
    if (missing := rows < 0).any():
        first = shown(labels.images[int(missing.argmax())])
        raise StudyError(
            f"{table.path}: {missing.sum()} of {len(rows)} labelled images are missing, the first {first}"
        )
    return rows


def _check_patients(table: Table, rows: np.ndarray, labels: Labels) -> None:
    """Raise StudyError where a file names patients, and others than the labels do."""
    if "patient" not in table.columns.column_names:
        return
    patients = table.text("patient").to_numpy()[rows]
    if (other := patients != labels.patients).any():
        place = int(other.argmax())
        expected = f"expected {shown(labels.patients[place])} as in the labels"
        table.fail(int(rows[place]), f"patient: {expected}, found {shown(patients[place])}")


def _scores(table: Table, rows: np.ndarray, classes: Sequence[str], logits: bool) -> np.ndarray:
    """Return the predictions of the labelled images, float64 (N, C)."""
    expected = "a logit" if logits else "a probability from 0 to 1"
    scores = np.empty((len(rows), len(classes)))
    for c, name in enumerate(classes):
        scores[:, c] = column = table.numbers(name, expected)[rows]
        wrong = ~np.isfinite(column) if logits else ~((column >= 0) & (column <= 1))
        if wrong.any():
            place = int(wrong.argmax())
            value = "nothing" if np.isnan(column[place]) else f"{column[place]:g}"
            hint = "" if logits or not np.isfinite(column[place]) else "; of logits, say --logits"
            table.fail(int(rows[place]), f"{name}: expected {expected}, found {value}{hint}")
    return scores
