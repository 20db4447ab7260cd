"""Classes that are hidden from trainings: nothing of them reaches the weights, and all are asked for once."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cxrlt_core.evidence.zero_shot import ZeroShotResults
from cxrlt_core.metrics import average_precision
from cxrlt_core.packing.packed_array import digest
from cxrlt_core.splits.hidden_classes import folds_of
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.files import read_parquet, write_json, write_parquet
from cxrlt_core.system.records import read_record
from cxrlt_core.system.tensors import write_tensors
from stages import zero_shot
from stages.artifacts.identity import row_identity
from stages.artifacts.recorded import find_stage
from stages.artifacts.sets import read_set
from stages.artifacts.settings import settings_files
from tests.bad_input.params import SMOKE, with_changes

CLASSES = ["Edema", "Fracture", "Hernia", "Lung Opacity", "No Finding", "Pneumothorax"]
VARIANT = "resnet50_bert_shared"
CPU = torch.device("cpu")
HIDDEN = ["Edema", "Hernia", "Pneumothorax"]  # of the first fold
TRAIN, DEV = 36, 40


@pytest.fixture
def params(tmp_path, monkeypatch):
    """A study of noisy images, from which everything is there that a training reads."""
    monkeypatch.chdir(tmp_path)
    train = SMOKE["train"] | {"epochs": 2, "steps": None, "batch_size": 12, "seeds": [3, 4], "monitor": 0}
    changes = {"train": train, "zero_shot": {VARIANT: {"folds": 2}}, "image.store": "arrays"}
    made = parse_params(with_changes({**changes, "bootstrap.resamples": 100, "compute.threads": 1}))
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (TRAIN + DEV, 32, 32), dtype=np.uint8)
    labels = generator.integers(-1, 2, (TRAIN + DEV, len(CLASSES))).astype(np.int8)
    table = pd.DataFrame({"row": range(TRAIN + DEV), "digest": list(map(digest, images))})
    Path("arrays").mkdir()
    np.save("arrays/nih-32-squash.npy", images)
    write_parquet("arrays/nih-32-squash.record.parquet", table[["digest"]])
    table = table.assign(source="nih", view="PA", patient_id=[f"p{row // 2}" for row in table["row"]])
    table["image_id"] = table["study_id"] = [f"i{row}" for row in table["row"]]
    table = table.assign(**dict(zip(CLASSES, labels.T, strict=True)))
    write_parquet("data/sets/train_primary.parquet", table[:TRAIN])
    write_parquet("data/sets/dev.parquet", table[TRAIN:])
    write_json("data/sets/classes.json", {name: {"group": "head"} for name in CLASSES})
    write_json("weights/uniform.json", {"weights": dict.fromkeys(CLASSES, 1.0)})
    write_json("data/encoders/resnet50.json", {"commit": None})
    write_json(f"data/pixels/{VARIANT}.json", {})
    write_names(0, CLASSES)
    return made


def write_names(seed: int, names: list[str]) -> None:
    """Draw what the text encoder says of some names; of others it says what it always does."""
    first, other = (np.random.default_rng(s).normal(size=(len(CLASSES), 16)) for s in (0, seed))
    embeddings = np.where(np.isin(CLASSES, names)[:, None], other, first).astype(np.float32)
    metadata = {"labels": json.dumps(CLASSES)}
    write_tensors("data/text/pubmedbert.safetensors", {"embeddings": embeddings}, metadata)


def weights(params) -> dict[str, torch.Tensor]:
    """Of the training that does not know the classes of the first fold."""
    fold = folds_of(CLASSES, params.label_space, 2)[0]
    assert fold.hidden == HIDDEN and fold.unknown == ["Lung Opacity", "No Finding"]
    return zero_shot.train_fold(params, VARIANT, fold, Ranks(CPU)).network.state_dict()


def change(names: list[str], how: Callable[[np.ndarray], np.ndarray]) -> None:
    path = "data/sets/train_primary.parquet"
    table = read_parquet(path)
    write_parquet(path, table.assign(**{name: how(table[name].to_numpy()) for name in names}))


def test_neither_labels_nor_names_of_hidden_classes_nor_labels_that_tell_of_them_reach_a_weight(params):
    before = weights(params)
    shuffled = np.random.default_rng(1).permutation(TRAIN)
    hidden = [name for name in CLASSES if name != "Fracture"]
    change(hidden, lambda labels: labels[shuffled])
    write_names(9, HIDDEN)
    after = weights(params)
    assert before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
    change(["Fracture"], lambda labels: labels[shuffled])
    assert not all(torch.equal(before[name], one) for name, one in weights(params).items())


def test_each_class_is_asked_for_once_and_scored_on_development_labels(params, monkeypatch, capsys):
    asked, compare = {}, zero_shot.compare_hidden

    def watched(data, given, level):
        asked.update(given)
        return compare(data, given, level)

    monkeypatch.setattr(zero_shot, "compare_hidden", watched)
    zero_shot.main(params, VARIANT)
    results = read_record(ZeroShotResults, f"metrics/zero_shot/{VARIANT}.json")
    assert list(results.classes) == [name for name in CLASSES if name != "No Finding"]
    assert results.apart == ["No Finding"] and results.seed == 3 and results.images == DEV
    assert results.hidden == [HIDDEN, ["Fracture", "Lung Opacity"]]
    dev = read_set("dev")
    for name, found in results.classes.items():
        unknown = results.unknown[found.fold - 1]
        assert found.nearest in CLASSES and found.nearest not in [*results.hidden[found.fold - 1], *unknown]
        column = dev.targets[:, [CLASSES.index(name)]]
        ap = average_precision(column, asked[name].nearest_scores[:, None])[0]
        assert found.numbers.nearest["AP"].point == pytest.approx(ap, abs=6e-5)
        assert found.positive == (column == 1).sum() and 0 < found.expressed < 1
    assert "hidden classes: AP 0." in capsys.readouterr().out
    assert not Path("data/sets/test.parquet").exists()


def test_it_is_a_stage_where_it_is_asked_for_and_changes_what_no_other_depends_on(params):
    command, off = f"python -m stages.zero_shot {VARIANT}", parse_params(SMOKE)
    on = parse_params(with_changes({"zero_shot": {VARIANT: {"folds": 2}}}))
    stage = find_stage(command, on)
    assert stage.outs == [f"metrics/zero_shot/{VARIANT}.json"] and not any(
        "test" in dep for dep in stage.deps
    )
    assert find_stage(command, off) is None and off.zero_shot == {}
    before, after = settings_files(off), settings_files(on)
    assert {name for name in after if after[name] != before.get(name)} == {"params", f"zero_shot/{VARIANT}"}
    assert f"data/settings/zero_shot/{VARIANT}.json" in stage.deps
    rows = [row_identity(study, [VARIANT], {}) for study in (off, on)]
    assert rows[0] == rows[1]
