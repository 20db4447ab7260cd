from types import SimpleNamespace

import numpy as np
import pandas as pd

from cxrlt_core.demo.boxes import write_boxes
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.system.files import write_json
from stages import attention
from stages.artifacts import drawn
from stages.artifacts.sets import LabelledSet

NAMES = ["Edema", "Mass", "No Finding"]
TABLE = pd.DataFrame({"path": list("abc"), "patient_id": ["p", "p", "q"]})
PLACES = {0: [0, 0, 0.25, 0.25], 2: [0.75, 0.75, 1, 1]}  # of Mass, by image


def test_examples_are_chosen_among_classes_with_a_place_where_there_are_any(monkeypatch):
    normal = SimpleNamespace(normal={"No Finding": []})
    base, seeds = SimpleNamespace(base="base"), SimpleNamespace(seeds=[0, 1])
    params = SimpleNamespace(reweight=base, train=seeds, label_space=normal)
    data = LabelledSet("dev", TABLE, np.array([[1, 0, 0], [1, 1, 0], [-1, 0, 1]], np.int8), NAMES)
    scores = np.array([[0.9, 0.2, 0.1], [0.8, 0.7, 0.1], [0.1, 0.6, 0.9]], np.float32)
    monkeypatch.setattr(attention, "read_predictions", lambda *_: scores)
    monkeypatch.setattr(attention, "read_groups", lambda: dict.fromkeys(NAMES, "head"))
    known = np.zeros((3, 3), bool)
    found = attention.choose_examples(params, data, known)
    assert found["class"].tolist() == ["Mass"] * 3 and found["labelled"].tolist() == [True, False, False]
    assert found["position"].tolist() == [1, 2, 0]  # Edema has no known negative, so no AP
    assert found["probability"].tolist() == scores[[1, 2, 0], 1].tolist()
    known[:, 2] = True
    assert attention.choose_examples(params, data, known).empty


def test_places_are_drawn_again_where_they_are_gone_and_real_images_have_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo = SimpleNamespace(sources=["mimic"])
    params = SimpleNamespace(data=SimpleNamespace(primary="mimic"), demo=demo)
    data = LabelledSet("dev", TABLE, np.zeros((3, 3), np.int8), NAMES)
    asked = []
    for path in drawn.DRAWN_WITH:
        write_json(path, "a")

    def run_again(*stage) -> None:
        asked.append(stage)
        boxes = np.full((3, len(CLASSES), 4), np.nan, np.float32)
        for image, box in PLACES.items():
            boxes[image, CLASSES.index("Mass")] = box
        write_boxes("data/raw/mimic/places.parquet", list("abc"), boxes)
        drawn.note_drawn(params, "mimic")

    monkeypatch.setattr(drawn, "run_again", run_again)
    first, second = attention.find_places(params, data), attention.find_places(params, data)
    assert asked == [("synthesize", "mimic")]
    np.testing.assert_array_equal(first, second)
    assert np.argwhere(np.isfinite(first).all(-1)).tolist() == [[0, 1], [2, 1]]
    demo.sources = ["nih"]
    monkeypatch.setattr(attention, "read_boxes", None)
    assert np.isnan(attention.find_places(params, data)).all()
