"""What a file between stages may hold passes, its limits included; tests/bad_input has what may not."""

import numpy as np
import pytest

from cxrlt_core.system.files import read_json, write_json
from stages.artifacts.predictions import check_probabilities
from stages.artifacts.sets import check_labels
from stages.artifacts.weights import check_weights, read_weights, write_weights


def weights(threshold, **of):
    return {"ratio": 2.0, "rule": "below_mean", "threshold": threshold, "weights": of}


def test_a_seed_has_weights_of_its_own_and_the_file_their_mean(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    write_weights("main", {"0": weights(0.1 + 0.2, a=1.0, b=2.0)})
    assert read_json("weights/main.json")["threshold"] == 0.1 + 0.2  # one seed is its own mean
    assert read_weights("main", 0) == read_json("weights/main.json")["weights"] == {"a": 1.0, "b": 2.0}
    write_weights("main", {"0": weights(0.2, a=1.0, b=2.0), "3": weights(0.4, a=2.0, b=2.0)})
    assert read_weights("main", 0) == {"a": 1.0, "b": 2.0}  # whatever another seed has
    assert read_weights("main", 3) == {"a": 2.0, "b": 2.0}
    content = read_json("weights/main.json")
    assert (content["ratio"], content["rule"]) == (2.0, "below_mean")
    assert content["threshold"] == pytest.approx(0.3) and content["weights"] == {"a": 1.5, "b": 2.0}
    write_weights("main", {"0": weights(None, a=1.0)})
    assert read_json("weights/main.json")["threshold"] is None
    write_json("weights/uniform.json", {"weights": {"a": 1.0}})
    assert read_weights("uniform", 0) == read_weights("uniform", 5) == {"a": 1.0}


def test_values_at_the_limits_pass_and_what_is_no_number_is_not_written(tmp_path):
    labels = check_labels("x", np.array([[1.0, 0.0], [-1.0, 1.0]]), ["a", "b"])
    assert labels.dtype == np.int8 and labels.tolist() == [[1, 0], [-1, 1]]
    probabilities = check_probabilities("x", np.array([[0.0, 1.0]]), ["a", "b"])
    assert probabilities.dtype == np.float32 and probabilities.tolist() == [[0, 1]]
    assert check_weights("x", {"a": 1, "b": 1e-9}) == {"a": 1, "b": 1e-9}
    with pytest.raises(ValueError):
        write_json(tmp_path / "x.json", {"weights": {"Mass": float("inf")}})
