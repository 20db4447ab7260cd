from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.demo.places import write_places
from cxrlt_core.labels import CLASSES
from cxrlt_core.params.schema import Demo, DemoImages
from stages import attention
from stages.artifacts.sets import LabelledSet

IMAGES = DemoImages(train=1, dev=1, test=1, extra=1)
NAMES = ["Edema", "Mass", "No Finding"]


@pytest.fixture
def params() -> SimpleNamespace:
    demo = Demo(sources=["mimic"], text_encoders=[], seed=3, size=32, images=IMAGES)
    return SimpleNamespace(
        data=SimpleNamespace(primary="mimic"), demo=demo, bootstrap=SimpleNamespace(level=0.95),
        reweight=SimpleNamespace(base="base"), train=SimpleNamespace(seeds=[0, 1]),
    )  # fmt: skip


@pytest.fixture
def data() -> LabelledSet:
    table = pd.DataFrame({"path": list("abc"), "patient_id": ["p", "p", "q"]})
    targets = np.array([[1, 0, 0], [1, 1, 0], [-1, 0, 1]], np.int8)
    return LabelledSet("dev", table, targets, NAMES)


def write(params) -> None:
    boxes = np.full((3, len(CLASSES), 4), np.nan, np.float32)
    boxes[0, CLASSES.index("Mass")] = [0, 0, 0.25, 0.25]
    boxes[2, CLASSES.index("Mass")] = [0.75, 0.75, 1, 1]
    write_places("data/raw/mimic/places.parquet", params.demo, list("abc"), boxes)


def test_places_that_are_gone_are_drawn_again(params, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(attention, "run_again", lambda *which: (asked.append(which), write(params)))
    first, second = attention.find_places(params, data), attention.find_places(params, data)
    assert asked == [("synthesize", "mimic")]
    np.testing.assert_array_equal(first, second)
    assert np.isfinite(first).all(-1).nonzero()[0].tolist() == [0, 2]


def test_real_images_have_no_places(params, data, monkeypatch):
    monkeypatch.setattr(attention, "read_places", None)
    params.demo = params.demo.model_copy(update={"sources": ["nih"]})
    assert np.isnan(attention.find_places(params, data)).all()


def test_every_class_with_a_place_is_scored_on_its_own_maps(params, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(params)
    boxes, maps = attention.find_places(params, data), np.zeros((2, 2, 3, 4, 4))
    maps[:, 0, 1, 0, 0] = maps[0, 1, 1, 3, 3] = 1  # one of two models misses in image c
    found = attention.score(params, data, boxes, np.array([0, 2]), maps)
    assert found.keys() == {"Mass"}
    assert (found["Mass"]["images"], found["Mass"]["patients"], found["Mass"]["hits"]) == (2, 2, 0.75)


def test_examples_are_chosen_among_classes_with_a_place_where_there_are_any(params, data, monkeypatch):
    scores = np.array([[0.9, 0.2, 0.1], [0.8, 0.7, 0.1], [0.1, 0.6, 0.9]], np.float32)
    monkeypatch.setattr(attention, "read_predictions", lambda *_: scores)
    monkeypatch.setattr(attention, "read_groups", lambda: dict.fromkeys(NAMES, "head"))
    known = np.zeros((3, 3), bool)
    found = attention.choose_examples(params, data, known)
    assert found["class"].tolist() == ["Mass"] * 3 and found["labelled"].tolist() == [True, False, False]
    assert found["position"].tolist() == [1, 2, 0]  # Edema has no known negative, so no AP
    known[:, 2] = True
    assert attention.choose_examples(params, data, known).empty
