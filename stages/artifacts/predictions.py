"""Write and read prediction tables: image_id, study_id, patient_id, then one probability per class.

The tables hold what the model says of each image; aggregation over studies happens on reading.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np

from cxrlt_core.prediction.study_level import aggregate
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet, read_parquet_metadata, write_parquet
from stages.artifacts.paths import dev_path, tta_path
from stages.artifacts.sets import LabelledSet, check_values
from stages.artifacts.trained import check_model


def write_predictions(
    path: str, data: LabelledSet, probabilities: np.ndarray, model: Mapping[str, str] | None = None
) -> None:
    """Write checked probabilities (N, C) of a set, and the SHA-256 of the files of the model they are of."""
    table = data.table[["image_id", "study_id", "patient_id"]].copy()
    table[data.classes] = check_probabilities(path, probabilities, data.classes)
    write_parquet(path, table, model and {"model": json.dumps(model)})


def read_predictions(variant: str, seed: int, data: LabelledSet, rule: str, tta: bool = False) -> np.ndarray:
    """Read what a model says of a set, float32 (N, C), aggregated over studies by ``study.aggregate``.

    Without ``tta`` the set is dev. StudyError when the file is of another model or does not belong to the
    set's rows, or a value is no probability.
    """
    path = tta_path(variant, seed, data.name) if tta else dev_path(variant, seed)
    table = read_parquet(path)
    check_model(path, json.loads(read_parquet_metadata(path).get("model", "null")), variant, seed)
    if list(table.columns[3:]) != data.classes or not table["image_id"].equals(data.table["image_id"]):
        raise StudyError(f"{path}: images or classes differ from those of the set; run dvc repro")
    probabilities = check_probabilities(path, table[data.classes].to_numpy(), data.classes)
    return by_study(data, probabilities, rule)


def by_study(data: LabelledSet, probabilities: np.ndarray, rule: str) -> np.ndarray:
    """Aggregate the probabilities of a set over studies."""
    return aggregate(probabilities, data.table["study_id"], data.table["view"], rule)


def read_models(models: Sequence[str], data: LabelledSet, seed: int, rule: str) -> np.ndarray:
    """Read the TTA predictions of several models of a seed, float32 (M, N, C)."""
    return np.stack([read_predictions(model, seed, data, rule, tta=True) for model in models])


def check_probabilities(path: str, probabilities: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return probabilities (N, C) as float32; StudyError for the first that is not from 0 to 1."""
    valid = (probabilities >= 0) & (probabilities <= 1)
    check_values(path, probabilities, valid, classes, "a probability from 0 to 1")
    return probabilities.astype(np.float32)
