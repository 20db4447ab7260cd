"""How long a prediction takes stands in a file of its own, and is read as seconds an image."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from cxrlt_core.study.parse import parse_params
from stages import evaluate
from stages.artifacts import results
from tests.bad_input.params import with_changes


def test_the_time_of_each_seed_lies_apart_from_what_is_the_same_every_time(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    data = SimpleNamespace(targets=np.zeros((4, 1)), classes=["a"])
    params = parse_params(with_changes({"train.seeds": [0, 3]}))
    made = {
        "open_device": None,
        "read_set": data,
        "open_images": None,
        "open_ranks": nullcontext(SimpleNamespace(is_main=True)),
        "trained_marks": {},
        "load_trained": None,
        "predict": [np.zeros((4, 1))],
        "posthoc": np.zeros((4, 1)),
        "write_predictions": None,
        "metrics_of": {"mAP": 0.5},
    }
    for name, value in made.items():
        monkeypatch.setattr(evaluate, name, lambda *_, value=value, **__: value)
    monkeypatch.setattr(evaluate, "Scorer", SimpleNamespace(of=lambda model: model))
    clock = iter([0.0, 1.0, 10.0, 12.0])
    monkeypatch.setattr(evaluate, "perf_counter", lambda: next(clock))
    name = params.table1[0].variant
    evaluate.main(params, name)
    took = json.loads((tmp_path / f"metrics/seconds/{name}.json").read_text())
    assert took == {"images": 4, "seconds": {"0": 1.0, "3": 2.0}}
    assert "seconds" not in json.loads((tmp_path / f"metrics/dev/{name}.json").read_text())
    assert results._read_predicted(name) == pytest.approx([0.25, 0.5])
