from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.demo.boxes import write_boxes
from cxrlt_core.labels import CLASSES
from cxrlt_core.params.schema import Demo, DemoImages
from stages import attention
from stages.artifacts.sets import LabelledSet
from stages.attention import find_places


@pytest.fixture
def params() -> SimpleNamespace:
    images = DemoImages(train=1, dev=1, test=1, extra=1)
    demo = Demo(sources=["mimic"], text_encoders=[], seed=3, size=32, images=images)
    return SimpleNamespace(data=SimpleNamespace(primary="mimic"), demo=demo)


@pytest.fixture
def data() -> LabelledSet:
    table = pd.DataFrame({"path": list("abc"), "patient_id": ["p", "p", "q"]})
    return LabelledSet("dev", table, np.zeros((3, 3), np.int8), ["Edema", "Mass", "No Finding"])


def write(params) -> None:
    boxes = np.full((3, len(CLASSES), 4), np.nan, np.float32)
    boxes[0, CLASSES.index("Mass")] = [0, 0, 0.25, 0.25]
    boxes[2, CLASSES.index("Mass")] = [0.75, 0.75, 1, 1]
    write_boxes("data/raw/mimic/places.parquet", params.demo, list("abc"), boxes)


def test_places_that_are_gone_are_drawn_again(params, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(attention, "run_again", lambda *which: (asked.append(which), write(params)))
    first, second = find_places(params, data), find_places(params, data)
    assert asked == [("synthesize", "mimic")]
    np.testing.assert_array_equal(first, second)
    assert np.argwhere(np.isfinite(first).all(-1)).tolist() == [[0, 1], [2, 1]]


def test_real_images_have_no_places(params, data, monkeypatch):
    monkeypatch.setattr(attention, "read_boxes", None)
    params.demo = params.demo.model_copy(update={"sources": ["nih"]})
    assert np.isnan(find_places(params, data)).all()
