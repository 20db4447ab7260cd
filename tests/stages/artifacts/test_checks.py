"""What a file between stages may hold passes, its limits included; tests/bad_input has what may not."""

import numpy as np
import pytest

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import write_json
from stages.artifacts.checks import check_labels, check_probabilities, check_rows, check_weights


def test_labels():
    found = check_labels("x", np.array([[1.0, 0.0], [-1.0, 1.0]]), ["a", "b"])
    assert found.dtype == np.int8 and found.tolist() == [[1, 0], [-1, 1]]


def test_probabilities():
    found = check_probabilities("x", np.array([[0.0, 1.0]]), ["a", "b"])
    assert found.dtype == np.float32 and found.tolist() == [[0, 1]]


def test_rows():
    check_rows("x", np.array([0, 2, 4]), np.array([1, 3, 5]))
    with pytest.raises(StudyError, match=r"^x: row 1: row: expected a row of its packed array, found 3$"):
        check_rows("x", np.array([0, 3, 4]), np.array([1, 3, 5]))


def test_weights():
    assert check_weights("x", {"a": 1, "b": 1e-9}) == {"a": 1, "b": 1e-9}


def test_what_is_no_number_is_not_written(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"weights": {"Mass": float("inf")}})
