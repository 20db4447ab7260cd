from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.metrics import average_precision_score

from cxrlt_core.batches.images import PackedImages, PixelStats
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.files import read_json, write_parquet
from stages.artifacts import history as history_module
from stages.artifacts import monitor
from stages.artifacts.code import ROOT
from stages.artifacts.history import read_history

N, NAMES = 40, ["Cardiomegaly", "Hernia"]
PIXELS = np.random.default_rng(0).integers(0, 256, (N, 8, 8), dtype=np.uint8)
LABELS = np.random.default_rng(1).choice(np.array([-1, 0, 1], np.int8), (N, 2))
LOG = Path("checkpoints/run.monitor.json")


class Brightness(torch.nn.Module):
    """Scores a class by the brightness, and the other by the darkness."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bright = images.mean((1, 2, 3))
        return torch.stack([bright, -bright], 1)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    images = PackedImages({"a": PIXELS}, ["a"] * N, np.arange(N))
    monkeypatch.setattr(monitor, "open_images", lambda data, params, image: images)
    write_sample(LABELS)


def write_sample(labels: np.ndarray) -> None:
    write_parquet("data/sets/monitor.parquet", pd.DataFrame(labels, columns=NAMES))


def make(every: int, rank: int = 0) -> monitor.Monitor:
    content = yaml.safe_load((ROOT / "profiles/smoke.yaml").read_text())
    content["train"]["monitor"] = every
    content["variants"]["v"] = content["variants"]["resnet50_bert_shared"]
    config = SimpleNamespace(pixels=PixelStats(0.5, 0.25), precision="fp32")
    return monitor.Monitor(parse_params(content), "v", config, Ranks(torch.device("cpu"), rank, 1))


def train(watch, epochs: int, start: int = 1) -> None:
    for epoch in range(start, epochs + 1):
        history = [{"epoch": n, "loss": 1 / n, "learning_rate": 0.1} for n in range(1, epoch + 1)]
        watch(SimpleNamespace(model=Brightness(), history=history, finished=epoch == epochs))


def history() -> pd.DataFrame:
    return pd.read_csv("models/v/history.csv")


def reference() -> float:
    bright, scores = PIXELS.mean((1, 2)), []
    for known, column, sign in zip((LABELS >= 0).T, LABELS.T, (1, -1), strict=True):
        scores.append(average_precision_score(column[known], sign * bright[known]))
    return float(np.mean(scores))


@pytest.mark.parametrize(("every", "seen"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (9, [5]), (0, [])])
def test_the_score_of_every_nth_epoch_and_the_last(every, seen):
    train(make(every).follow(0, Path("checkpoints/run.pt")), 5)
    lines = history()
    assert lines["epoch"].tolist() == [1, 2, 3, 4, 5] and lines["loss"][4] == 0.2
    assert lines.dropna()["epoch"].tolist() == seen
    assert LOG.exists() == bool(seen)
    assert lines["dev_mAP"].dropna().tolist() == pytest.approx([reference()] * len(seen), abs=1e-6)


def test_seeds_stand_below_each_other_while_the_training_runs():
    together = make(1)
    for number, seed in enumerate((0, 3)):
        watch = together.follow(seed, Path(f"checkpoints/{seed}.pt"))
        train(watch, 1)
        assert len(history()) == 2 * number + 1
        train(watch, 2, start=2)
    assert history()["seed"].tolist() == [0, 0, 3, 3] and history()["dev_mAP"].notna().all()


def test_what_the_log_has_is_not_scored_again_but_of_another_sample_or_a_torn_log(monkeypatch):
    def finished() -> None:
        """Take a finished run up again."""
        train(make(1).follow(0, Path("checkpoints/run.pt")), 3, start=3)

    train(make(1).follow(0, Path("checkpoints/run.pt")), 3)
    before = history()
    with monkeypatch.context() as patch:
        patch.setattr(monitor.Monitor, "_score", lambda *_: 1 / 0)
        finished()
    assert history().equals(before)
    write_sample(np.where(LABELS == 1, 0, np.where(LABELS == 0, 1, LABELS)).astype(np.int8))
    finished()
    assert history()["dev_mAP"].isna().tolist() == [True, True, False]
    LOG.write_text(LOG.read_text()[:40])
    finished()
    assert history()["dev_mAP"].isna().tolist() == [True, True, False]


def test_a_sample_without_a_class_to_score_leaves_the_cell_empty():
    write_sample(np.zeros((N, 2), np.int8))
    train(make(1).follow(0, Path("checkpoints/run.pt")), 1)
    assert history()["dev_mAP"].isna().all() and read_json(LOG)["mAP"] == {"1": None}


def test_the_report_shows_no_score_of_other_code(monkeypatch):
    train(make(1).follow(0, Path("checkpoints/run.pt")), 2)
    assert read_history("v")["dev_mAP"].notna().all()
    monkeypatch.setattr(history_module, "module_code", lambda module: {module: "another"})
    lines = read_history("v")
    assert lines["dev_mAP"].isna().all() and lines["loss"].tolist() == [1, 0.5]
