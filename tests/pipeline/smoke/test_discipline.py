"""The test set chooses nothing: read off the pipeline, and tried with other test labels."""

import hashlib

import numpy as np
import pyarrow.parquet as pq

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.system.files import read_json
from tests.architecture import needs, paths, pipeline, within

TEST_PREDICTIONS = ("predictions/tta/any/0/test.parquet", "predictions/ensemble/any/0.parquet")


def upstream(of: str) -> set[str]:
    """The stages whose outs a stage needs, directly or not."""
    found, wanted = set(), [of]
    while wanted:
        new = set(needs(wanted.pop())) - found
        found |= new
        wanted += new
    return found


def readers(*files: str) -> set[str]:
    """The stages that depend on a file, or on a folder that holds it."""
    return {
        name
        for name, stage in pipeline().items()
        if any(within(file, dep) for dep in paths(stage["deps"]) for file in files)
    }


def test_only_inference_and_its_pixels_read_the_test_set_before_the_ensemble():
    """They need the test images; that they leave the labels alone is tried below."""
    before = upstream("ensemble")
    assert readers(*TEST_PREDICTIONS) == {"ensemble", "external", "report"}
    assert readers("metrics/external/any.json", "predictions/external/any/x.parquet") == {"report"}
    assert {"train", "evaluate", "reweight", "tta", "split"} <= before  # the walk finds something
    assert not readers(*TEST_PREDICTIONS) & before
    assert readers("data/sets/test.parquet") & before == {"pixels", "tta"}


def test_other_test_labels_change_test_numbers_and_nothing_else(smoke):
    """Predictions of the test images, members of the ensembles and their weights stay as they are."""
    chosen = ("models", "weights", "stability", "chosen_again", "calibration", "dev_mAP", "plain_dev_mAP")
    kept = [smoke.folder / "weights/main.json", smoke.folder / "data/sets/dev.parquet"]
    kept += (smoke.folder / "predictions/tta").rglob("*.parquet")
    kept += (smoke.folder / "models").rglob("*.safetensors")
    assert len(kept) > 10
    before = [hashlib.sha256(path.read_bytes()).digest() for path in kept]
    old = read_json(smoke.folder / "metrics/ensemble.json")["rows"]
    path = smoke.folder / "data/sets/test.parquet"
    content = path.read_bytes()
    table = pq.read_table(path)
    shuffled = np.random.default_rng(0).permutation(table.num_rows)
    for name in CLASSES:
        column = table.column(name).take(shuffled)
        table = table.set_column(table.schema.get_field_index(name), name, column)
    path.unlink()
    pq.write_table(table, path)
    try:
        for command in (["stages.tta", "resnet50_bert_shared"], ["stages.ensemble"]):
            done = smoke.run("python", "-m", *command)
            assert done.returncode == 0, done.stderr
        new = read_json(smoke.folder / "metrics/ensemble.json")["rows"]
        for row in old:
            assert {key: new[row][key] for key in chosen} == {key: old[row][key] for key in chosen}
            assert new[row]["metrics"]["mAP"] != old[row]["metrics"]["mAP"]
        assert before == [hashlib.sha256(path.read_bytes()).digest() for path in kept]
    finally:
        path.unlink()
        path.write_bytes(content)
        smoke.restore()
