"""The test set chooses nothing: read off the pipeline, and tried with other test labels."""

import hashlib
import json

import numpy as np
import pyarrow.parquet as pq

from cxrlt_core.labels import CLASSES
from tests.architecture import needs, paths, pipeline, within

TEST_SET = ("data/sets/test.parquet",)
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


def test_nothing_upstream_of_the_ensemble_reads_test_predictions_and_only_inference_the_test_set():
    before = upstream("ensemble")
    assert readers(*TEST_PREDICTIONS) == {"ensemble", "report"}
    assert {"train", "evaluate", "reweight", "tta", "split"} <= before  # the walk finds something
    assert not readers(*TEST_PREDICTIONS) & before
    # inference and its pixels need the test images; that they leave the labels alone is tried below
    assert readers(*TEST_SET) & before == {"pixels", "tta"}


def test_other_test_labels_change_test_numbers_and_nothing_else(smoke):
    """Predictions of the test images, members of the ensembles and their weights stay as they are."""
    chosen = ("models", "weights", "stability", "chosen_again", "calibration", "dev_mAP", "plain_dev_mAP")
    kept = ["weights/main.json", "data/sets/dev.parquet"]
    kept += [str(p.relative_to(smoke.folder)) for p in (smoke.folder / "predictions/tta").rglob("*.parquet")]
    kept += [str(p.relative_to(smoke.folder)) for p in (smoke.folder / "models").rglob("*.safetensors")]
    assert len(kept) > 10
    before = {path: hashlib.sha256((smoke.folder / path).read_bytes()).digest() for path in kept}
    old = json.loads((smoke.folder / "metrics/ensemble.json").read_text())["rows"]
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
        for command in ("stages.tta", "stages.ensemble"):
            arguments = ["resnet50_bert_shared"] if command == "stages.tta" else []
            done = smoke.run("python", "-m", command, *arguments)
            assert done.returncode == 0, done.stderr
        new = json.loads((smoke.folder / "metrics/ensemble.json").read_text())["rows"]
        for row in old:
            assert {key: new[row][key] for key in chosen} == {key: old[row][key] for key in chosen}
            assert new[row]["metrics"]["mAP"] != old[row]["metrics"]["mAP"]
        assert before == {p: hashlib.sha256((smoke.folder / p).read_bytes()).digest() for p in kept}
    finally:
        path.unlink()
        path.write_bytes(content)
        smoke.restore()
