"""Numbers that no stage writes: one line that names file, row and column."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.labels import CLASSES
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet, write_json, write_parquet
from stages import split
from stages.artifacts import arrays
from stages.artifacts.predictions import read_predictions, write_predictions
from stages.artifacts.sets import read_set
from stages.artifacts.weights import read_weights

DEV, PREDICTIONS = "data/sets/dev.parquet", "predictions/dev/a/0.parquet"


@pytest.fixture(autouse=True)
def dev(tmp_path, monkeypatch):
    """Three images of a development set with two classes."""
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"image_id": list("abc"), "study_id": list("abc"), "patient_id": list("abc")})
    table = table.assign(view="PA", source="nih", row=[0, 1, 2])
    labels = {"Edema": np.array([1, 0, -1], np.int8), "Mass": np.array([0, 0, 1], np.int8)}
    write_parquet(DEV, table.assign(**labels), {"fingerprints": '{"nih": "x"}'})
    return read_set("dev")


def spoil(path, column, value):
    table = read_parquet(path)
    table[column] = table[column].astype(np.float64)
    table.loc[2, column] = value
    write_parquet(path, table, {"fingerprints": '{"nih": "x"}'})


@pytest.mark.parametrize("value", [5, -2, 256, 0.5, np.nan])
def test_a_label_that_is_none(value):
    spoil(DEV, "Mass", value)
    with pytest.raises(StudyError) as found:
        read_set("dev")
    assert str(found.value) == f"{DEV}: row 2: Mass: expected 1, 0 or -1, found {float(value)}"


def test_a_label_of_a_source_that_is_none():
    write_parquet("data/labels/nih.parquet", pd.DataFrame({name: [0, 7] for name in CLASSES}))
    with pytest.raises(
        StudyError, match=r"^data/labels/nih\.parquet: row 1: Atelectasis: expected 1, 0 or -1, f"
    ):
        split.packed_labels("nih")


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan, np.inf])
def test_a_probability_that_is_none(dev, value):
    write_predictions(PREDICTIONS, dev, np.full((3, 2), 0.5))
    assert (read_predictions(PREDICTIONS, dev, "none") == 0.5).all()
    spoil(PREDICTIONS, "Edema", value)
    line = f"{PREDICTIONS}: row 2: Edema: expected a probability from 0 to 1, found {value}"
    with pytest.raises(StudyError) as found:
        read_predictions(PREDICTIONS, dev, "none")
    assert str(found.value) == line
    with pytest.raises(StudyError) as found:
        write_predictions(PREDICTIONS, dev, np.array([[0, 0], [0, 0], [value, 0]]))
    assert str(found.value) == line


@pytest.mark.parametrize("value", [-1, 0, float("inf"), "2", None])
def test_a_weight_that_is_none(value):
    if value == float("inf"):
        with pytest.raises(ValueError):
            write_json("weights/main.json", {"weights": {"Mass": value}})
        return
    write_json("weights/main.json", {"seeds": {"0": {"weights": {"Edema": 1, "Mass": value}}}})
    with pytest.raises(StudyError) as found:
        read_weights("main", 0)
    assert str(found.value) == f"weights/main.json: Mass: expected a weight above 0, found {value!r}"


def test_a_weight_that_json_should_not_hold_and_a_seed_that_is_absent(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/main.json").write_text('{"weights": {"Mass": NaN}}')
    with pytest.raises(StudyError, match=r"^weights/main\.json: Mass: expected a weight above 0, found nan$"):
        read_weights("main", 0)
    write_json("weights/main.json", {"seeds": {"0": {"weights": {}}, "1": {"weights": {}}}})
    with pytest.raises(StudyError, match=r"^weights/main\.json: no weights of seed 7, found 0, 1$"):
        read_weights("main", 7)


@pytest.mark.parametrize("value", [-1, 3, 1000])
def test_a_row_that_the_array_has_not(monkeypatch, value):
    pixels = np.zeros((3, 16, 16), np.uint8)
    monkeypatch.setattr(arrays, "_open", lambda *_: pixels)
    image = SimpleNamespace(store="s", size=16, fit="squash")
    assert arrays.open_images(read_set("dev"), image)
    spoil(DEV, "row", value)
    with pytest.raises(StudyError) as found:
        arrays.open_images(read_set("dev"), image)
    assert str(found.value).startswith(
        f"{DEV}: row 2: row: expected a row of its packed array, found {value}"
    )
