"""What a file between two stages may hold: one look at its numbers as they come in."""

from collections.abc import Sequence

import numpy as np

from cxrlt_core.system.errors import StudyError


def check_labels(path: str, labels: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return labels (N, C) as int8; StudyError for the first that is not 1, 0 or -1."""
    _check(path, labels, (labels == 1) | (labels == 0) | (labels == -1), classes, "1, 0 or -1")
    return labels.astype(np.int8)


def check_probabilities(path: str, probabilities: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Return probabilities (N, C) as float32; StudyError for the first that is not from 0 to 1."""
    valid = (probabilities >= 0) & (probabilities <= 1)
    _check(path, probabilities, valid, classes, "a probability from 0 to 1")
    return probabilities.astype(np.float32)


def check_weights(path: str, weights: dict[str, float]) -> dict[str, float]:
    """Return weights of classes; StudyError for the first that is no finite number above 0."""
    for name, weight in weights.items():
        if not isinstance(weight, int | float) or not 0 < weight < np.inf:
            raise StudyError(f"{path}: {name}: expected a weight above 0, found {weight!r}")
    return weights


def _check(path: str, values: np.ndarray, valid: np.ndarray, columns: Sequence[str], expected: str) -> None:
    if valid.all():
        return
    row, column = np.argwhere(~valid)[0]
    found = values[row, column]
    raise StudyError(f"{path}: row {row}: {columns[column]}: expected {expected}, found {found}")
