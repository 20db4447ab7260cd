"""What a file between stages may hold passes, its limits included; tests/bad_input has what may not."""

import numpy as np
import pytest

from cxrlt_core.system.files import write_json
from stages.artifacts.predictions import check_probabilities
from stages.artifacts.sets import check_labels
from stages.artifacts.weights import check_weights


def test_labels():
    values = check_labels("x", np.array([[1.0, 0.0], [-1.0, 1.0]]), ["a", "b"])
    assert values.dtype == np.int8 and values.tolist() == [[1, 0], [-1, 1]]


def test_probabilities():
    values = check_probabilities("x", np.array([[0.0, 1.0]]), ["a", "b"])
    assert values.dtype == np.float32 and values.tolist() == [[0, 1]]


def test_weights():
    assert check_weights("x", {"a": 1, "b": 1e-9}) == {"a": 1, "b": 1e-9}


def test_what_is_no_number_is_not_written(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"weights": {"Mass": float("inf")}})
