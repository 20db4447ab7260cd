"""Read a set written by the split stage: its table, its targets, its classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlt_core.labels import classes_in
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json, read_parquet
from stages.artifacts.paths import set_path


@dataclass(frozen=True)
class LabelledSet:
    """A set in its order: table (N rows), targets int8 (N, C), names of the C classes."""

    name: str
    table: pd.DataFrame
    targets: np.ndarray
    classes: list[str]


def read_set(name: str) -> LabelledSet:
    """Read ``train_primary``, ``train_replenished``, ``dev`` or ``test``, with checked labels."""
    table = read_parquet(set_path(name))
    classes = classes_in(table)
    targets = check_labels(set_path(name), table[classes].to_numpy(), classes)
    return LabelledSet(name, table, np.ascontiguousarray(targets), classes)


def read_groups() -> dict[str, str]:
    """Return head, medium or tail for each class of the label space."""
    return {name: entry["group"] for name, entry in read_json("data/sets/classes.json").items()}


def check_labels(path: str, labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return labels (N, C) as int8; StudyError for the first that is not 1, 0 or -1."""
    check_values(path, labels, (labels == 1) | (labels == 0) | (labels == -1), classes, "1, 0 or -1")
    return labels.astype(np.int8)


def check_values(
    path: str, values: np.ndarray, valid: np.ndarray, columns: Sequence[str], expected: str
) -> None:
    """Raise StudyError that names the first value of an array (N, C) that is not valid, and its place."""
    if valid.all():
        return
    row, column = np.argwhere(~valid)[0]
    value = values[row, column]
    raise StudyError(f"{path}: row {row}: {columns[column]}: expected {expected}, found {value}")
