"""What a study takes, from what a probe measured; the probe itself is tried on the smoke study."""

from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import write_parquet
from tests.architecture import ROOT
from tools import plan
from tools.probe import Probe, elsewhere

CONTENT = yaml.safe_load((ROOT / "profiles/smoke.yaml").read_text())
VARIANT = "resnet50_bert_shared"
SIZES = {"primary": 100, "replenished": 150, "dev": 20, "test": 30}
PROBE = Probe(trained=50.0, predicted=200.0, memory=1024, weights=2**20)


def params(**train):
    return parse_params({**CONTENT, "train": {**CONTENT["train"], **train}})


def test_sets_are_counted_from_the_labels_and_official_test_images_replenish_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, splits in {"mimic": ["train"] * 5 + ["dev"] * 2 + ["test"], "nih": ["train", "test"]}.items():
        table = pd.DataFrame({"patient_id": [str(n) for n in range(len(splits))], "split": splits})
        write_parquet(f"data/labels/{name}.parquet", table.assign(**dict.fromkeys(CLASSES, 1)))
    study = params()
    study = study.model_copy(update={"data": study.data.model_copy(update={"extra": ["nih"]})})
    assert plan.set_sizes(study) == {"primary": 5, "replenished": 6, "dev": 2, "test": 1}


def test_a_training_takes_its_passes_and_predictions_all_of_their_views():
    study = params(epochs=3, batch_size=32)
    work = plan.work_of(study, VARIANT, SIZES, PROBE)
    assert (work.images, work.steps, work.train) == (100, 12, 300 / 50)
    assert work.predict == pytest.approx((20 + study.tta.views * 50) / 200)
    replenished = plan.work_of(study, "resnet50_t5_mixup_replenished", SIZES, PROBE)
    assert (replenished.images, replenished.train) == (150, 450 / 50)


def test_disk_is_pixels_weights_moments_and_predictions():
    study, measured = params(seeds=[0, 1], ema=None), {VARIANT: PROBE}
    size = study.image.size
    predictions = (2 * 20 + 30) * len(CLASSES) * 4
    assert plan.disk(study, SIZES, measured) == {
        study.image.store: 200 * size**2,
        "checkpoints": 2 * 3 * 2**20,
        "models and predictions": 2 * (2**20 + predictions),
        ".dvc/cache": 2 * (2**20 + predictions),
    }
    assert plan.disk(params(seeds=[0], ema=0.9), SIZES, measured)["checkpoints"] == 4 * 2**20


def test_what_does_not_fit_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = params()
    monkeypatch.setattr(plan.shutil, "disk_usage", lambda path: SimpleNamespace(free=3 * plan.GIB))
    needed = {study.image.store: 2 * plan.GIB, "checkpoints": plan.GIB, "models": plan.GIB}
    assert not list(plan.misfits(study, needed, plan.GIB, 4 * plan.GIB, 4))
    [line] = plan.misfits(study, {**needed, study.image.store: 4 * plan.GIB}, plan.GIB, 4 * plan.GIB, 4)
    assert line == f"disk: {study.image.store} needs 4.0 GiB, 3.0 GiB are free"
    [line] = plan.misfits(study, needed, plan.GIB, 4 * plan.GIB, 5)
    assert line == "memory: 5 at once need 5.0 GiB, 4.0 GiB are free"


def test_a_device_that_is_not_here_has_the_rate_that_is_said():
    [other] = elsewhere({VARIANT: PROBE}, 900.0).values()
    assert (other.trained, other.predicted, other.weights) == (900.0, 2700.0, PROBE.weights)


def test_the_table_has_a_line_a_variant():
    study = params(epochs=3, batch_size=32)
    text = plan.table({VARIANT: plan.work_of(study, VARIANT, SIZES, PROBE)}, {VARIANT: PROBE}, 3)
    assert f"| {VARIANT} | 100 | 12 | 50.0 | 1,024 MiB | 3 × 00:06 | 3 × 00:0" in text
