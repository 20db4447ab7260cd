from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch

from cxrlt_core.boxes.files import EDGES
from cxrlt_core.demo.boxes import write_boxes
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.results.models import Attention
from cxrlt_core.system.files import write_json
from cxrlt_core.system.records import read_record
from stages import attention
from stages.artifacts import drawn, places, results
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
    known = np.zeros(0, int)
    found = attention.choose_examples(params, data, known)
    assert found["class"].tolist() == ["Mass"] * 3 and found["labelled"].tolist() == [True, False, False]
    assert found["position"].tolist() == [1, 2, 0]  # Edema has no known negative, so no AP
    assert found["probability"].tolist() == scores[[1, 2, 0], 1].tolist()
    assert attention.choose_examples(params, data, np.array([2])).empty


def test_images_are_shown_with_all_boxes_of_their_class(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = LabelledSet("dev", TABLE, np.zeros((3, 3), np.int8), NAMES)
    boxes = pd.DataFrame({"position": [2, 0, 2], "label": [1, 1, 1]})
    boxes[[*EDGES]] = np.float32([[0, 0, 0.5, 0.5], [0, 0, 1, 1], [0.5, 0, 1, 1]])
    shown = pd.DataFrame({"position": [2, 1], "class": "Mass", "labelled": True, "probability": 0.5})
    params = SimpleNamespace(reweight=SimpleNamespace(base="base"), bootstrap=SimpleNamespace(level=0.95))
    params.data, params.report = SimpleNamespace(primary="x"), SimpleNamespace(show_images=True)
    maps = np.random.default_rng(0).random((1, 3, 3, 2, 2))
    pictures = SimpleNamespace(gather=lambda positions: torch.zeros(len(positions), 1, 8, 8))
    for name, value in {
        "read_set": data, "resolved": SimpleNamespace(image=None), "choose_examples": shown, "look": maps,
        "find_places": places.FoundPlaces(boxes, {"cut off": 1}), "open_images": pictures,
    }.items():  # fmt: skip
        monkeypatch.setattr(attention, name, lambda *_, value=value: value)
        monkeypatch.setattr(results, name, lambda *_, value=value: value, raising=False)
    attention.main(params)
    found = read_record(Attention, "metrics/attention.json")
    assert not found.classes and found.few == ["Mass"] and found.left_out == {"cut off": 1}
    first, second = results.attended_images(params)
    assert first.boxes == [[0, 0, 0.5, 0.5], [0.5, 0, 1, 1]] and second.boxes == []
    assert np.array_equal(first.map, maps[0, 2, 1]) and np.array_equal(second.map, maps[0, 1, 1])


def test_places_are_drawn_again_where_they_are_gone_and_real_images_have_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    demo = SimpleNamespace(sources=["mimic"])
    params = SimpleNamespace(data=SimpleNamespace(primary="mimic", boxes={}), demo=demo)
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
    first, second = (places.find_places(params, "mimic", data, None).table for _ in range(2))
    assert asked == [("synthesize", "mimic")] and first.equals(second)
    assert first[["position", "label"]].to_numpy().tolist() == [[0, 1], [2, 1]]
    assert first[[*EDGES]].to_numpy().tolist() == [*PLACES.values()]
    demo.sources = ["nih"]
    assert places.find_places(params, "mimic", data, None).table.empty
