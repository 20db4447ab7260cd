"""What a file between stages may hold passes, its limits included; tests/bad_input has what may not."""

import numpy as np
import pytest

from cxrlt_core.system.files import write_json
from stages.artifacts.predictions import check_probabilities
from stages.artifacts.sets import check_labels
from stages.artifacts.weights import check_weights


def test_values_at_the_limits_pass_and_what_is_no_number_is_not_written(tmp_path):
    labels = check_labels("x", np.array([[1.0, 0.0], [-1.0, 1.0]]), ["a", "b"])
    assert labels.dtype == np.int8 and labels.tolist() == [[1, 0], [-1, 1]]
    probabilities = check_probabilities("x", np.array([[0.0, 1.0]]), ["a", "b"])
    assert probabilities.dtype == np.float32 and probabilities.tolist() == [[0, 1]]
    assert check_weights("x", {"a": 1, "b": 1e-9}) == {"a": 1, "b": 1e-9}
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"weights": {"Mass": float("inf")}})
