"""What the pipeline has trained, in use: an image of the study gets the study's number."""

import sys

import numpy as np
import pandas as pd

from cxrlt_core.packing.decoder import decoder
from cxrlt_core.system.files import read_json, read_parquet

MODEL, ROW = "resnet50_bert_separate", "class_wise"


def command(smoke, *words):
    threads = ("--device", "cpu", "--threads", "1")
    done = smoke.run(sys.executable, "-m", "cxrlt", *words, *(() if words[0] == "info" else threads))
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "decoder" not in done.stderr  # it is the study's
    return done.stdout


def predictions(smoke, split, path, *words, count=None):
    """What the command predicts of the first images of a set, as files, and what the study has of them."""
    table = read_parquet(smoke.folder / f"data/sets/{split}.parquet")
    files = [f"data/raw/mimic/images/{file}" for file in table["path"][:count]]
    command(smoke, "predict", *files, *words, "--out", "data/out.csv")
    stored = read_parquet(smoke.folder / f"predictions/{path}/0.parquet").iloc[: len(files), 3:]
    written = pd.read_csv(smoke.folder / "data/out.csv")["probability"].to_numpy()
    return written.reshape(stored.shape), stored


def test_models_and_ensembles_give_the_predictions_of_the_study(smoke):
    """From files, five alone and then all: each image has the views that the stage drew for it."""
    assert read_json(smoke.folder / f"models/{MODEL}/0/config.json")["decoder"] == decoder()
    written, stored = predictions(smoke, "dev", f"dev/{MODEL}", "--model", MODEL)
    np.testing.assert_allclose(written, stored, atol=2e-6)
    for count in (5, None):
        written, stored = predictions(smoke, "test", f"ensemble/{ROW}", "--ensemble", ROW, count=count)
        np.testing.assert_allclose(written, stored, atol=2e-6)


def test_an_ensemble_folder_holds_what_the_stage_chose(smoke):
    metrics = read_json(smoke.folder / "metrics/ensemble.json")["rows"]
    folders = {path.name for path in (smoke.folder / "ensembles").iterdir()}
    assert folders == set(metrics)
    for row, entry in metrics.items():
        config = read_json(smoke.folder / f"ensembles/{row}/0/ensemble.json")
        assert [one["folder"].split("/")[-2] for one in config["members"]] == entry["models"]
        assert config["weights"] == entry["weights"]  # of one seed
        for member, name in zip(config["members"], entry["models"], strict=True):
            assert member["sha256"] == read_json(smoke.folder / f"data/trained/{name}.json")["0"]
        assert {"temperature", "thresholds"} == set(config["calibration"])


def test_info_and_a_submission_of_the_study(smoke):
    assert "mAP" in command(smoke, "info", "--ensemble", ROW)
    said = command(smoke, "info", "--model", MODEL)
    assert "other shapes: squash" in said and "drawn images (mimic)" in said
    assert "mAP TTA" in said and f"{'thresholds':<12}known" in said  # all are of this model
    words = ("submit", "data/raw/mimic/labels/test.csv", "--images", "data/raw/mimic/images")
    command(smoke, *words, "--model", MODEL, "--aggregate", "mean", "--out", "data/submission.csv")
    table = pd.read_csv(smoke.folder / "data/submission.csv", index_col="dicom_id")
    listed = pd.read_csv(smoke.folder / "data/raw/mimic/labels/test.csv")
    assert table.index.tolist() == listed["dicom_id"].tolist() and table.shape[1] == 26
    assert (table.groupby(listed["study_id"].to_numpy()).nunique() == 1).all(axis=None)
