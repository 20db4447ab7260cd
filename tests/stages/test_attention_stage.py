from types import SimpleNamespace

import numpy as np
import pandas as pd

from stages import attention
from stages.artifacts.sets import LabelledSet

NAMES = ["Edema", "Mass", "No Finding"]


def test_examples_are_chosen_among_classes_with_a_place_where_there_are_any(monkeypatch):
    params = SimpleNamespace(reweight=SimpleNamespace(base="base"), train=SimpleNamespace(seeds=[0, 1]))
    table = pd.DataFrame({"path": list("abc"), "patient_id": ["p", "p", "q"]})
    data = LabelledSet("dev", table, np.array([[1, 0, 0], [1, 1, 0], [-1, 0, 1]], np.int8), NAMES)
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
