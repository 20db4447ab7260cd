"""What is made of a model names it, and is read for no other; tests/bad_input has the lines."""

import numpy as np
import pandas as pd

from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import write_json
from stages import evaluate
from stages.artifacts.predictions import read_predictions
from stages.artifacts.sets import LabelledSet
from stages.artifacts.settings import settings_files, training_settings
from stages.artifacts.trained import read_metrics
from tests.bad_input.params import SMOKE, with_changes

VARIANT = "resnet50_bert_shared"
IDS = pd.DataFrame({name: list("abcd") for name in ("image_id", "study_id", "patient_id", "view")})
DEV = LabelledSet("dev", IDS, np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.int8), ["Edema", "Mass"])


def test_evaluate_writes_of_which_models_its_numbers_are(tmp_path, monkeypatch):
    """Of those that were loaded: a training that ends meanwhile is another matter."""
    monkeypatch.chdir(tmp_path)
    trained = {"0": {"model.safetensors": "f00d", "config.json": "beef"}}
    write_json(f"data/trained/{VARIANT}.json", trained)
    monkeypatch.setattr(evaluate, "read_set", lambda name: DEV)
    monkeypatch.setattr(evaluate, "read_groups", lambda: dict.fromkeys(DEV.classes, "head"))
    monkeypatch.setattr(evaluate, "open_images", lambda *_: None)
    monkeypatch.setattr(evaluate, "load_trained", lambda *_: None)
    monkeypatch.setattr(evaluate.Scorer, "of", lambda model: model)
    scores = np.linspace(0.1, 0.9, 8, dtype=np.float32).reshape(4, 2)

    def predict(*_, **__):
        write_json(f"data/trained/{VARIANT}.json", {})
        return [scores]

    monkeypatch.setattr(evaluate, "predict", predict)
    evaluate.main(parse_params(SMOKE), VARIANT)
    write_json(f"data/trained/{VARIANT}.json", trained)
    assert read_metrics(VARIANT)["models"] == trained
    np.testing.assert_array_equal(read_predictions(VARIANT, 0, DEV, "none"), scores)


def test_what_the_demo_drew_is_saved_with_a_model_and_identifies_no_training():
    drawn, real = (parse_params(with_changes({"demo.sources": s})) for s in (["mimic", "nih"], []))
    saved = [settings_files(params)[f"training/{VARIANT}"]["drawn"] for params in (drawn, real)]
    assert saved == [["mimic"], []]
    assert training_settings(drawn, VARIANT) == training_settings(real, VARIANT)
