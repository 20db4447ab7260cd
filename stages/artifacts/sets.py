"""Read a set written by the split stage: its table, its targets, its classes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlt_core.labels import CLASSES
from cxrlt_core.system.files import read_json, read_parquet
from stages.artifacts.checks import check_labels
from stages.artifacts.paths import set_path


@dataclass(frozen=True)
class LabelledSet:
    """A set in its order: table (N rows), targets int8 (N, C), names of the C classes."""

    name: str
    table: pd.DataFrame
    targets: np.ndarray
    classes: list[str]


def read_set(name: str) -> LabelledSet:
    """Read ``train_primary``, ``train_replenished``, ``dev`` or ``test``.

    Raises:
        StudyError: when a label is not 1, 0 or -1.
    """
    table = read_parquet(set_path(name))
    classes = [c for c in CLASSES if c in table.columns]
    targets = check_labels(set_path(name), table[classes].to_numpy(), classes)
    return LabelledSet(name, table, np.ascontiguousarray(targets), classes)


def read_groups() -> dict[str, str]:
    """Return head, medium or tail for each class of the label space."""
    return {name: entry["group"] for name, entry in read_json("data/sets/classes.json").items()}
