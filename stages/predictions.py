"""Write and read prediction tables: image_id, study_id, patient_id, then one probability per class."""

import numpy as np

from cxrlt_core.errors import StudyError
from cxrlt_core.files import read_parquet, write_parquet
from stages.sets import LabelledSet


def write_predictions(path: str, data: LabelledSet, probabilities: np.ndarray) -> None:
    """Write probabilities (N, C) of a set."""
    table = data.table[["image_id", "study_id", "patient_id"]].copy()
    table[data.classes] = probabilities.astype(np.float32)
    write_parquet(path, table)


def read_predictions(path: str, data: LabelledSet) -> np.ndarray:
    """Read probabilities, float32 (N, C), and make sure that they belong to the set's rows."""
    table = read_parquet(path)
    if list(table.columns[3:]) != data.classes or not table["image_id"].equals(data.table["image_id"]):
        raise StudyError(f"{path}: images or classes differ from those of the set; run dvc repro")
    return table[data.classes].to_numpy(np.float32)
