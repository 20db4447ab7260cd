"""What the pipeline has trained, in use: an image of the study gets the study's number."""

import sys

import numpy as np
import pandas as pd

from cxrlt_core.system.files import read_json, read_parquet

MODEL, ROW = "resnet50_bert_separate", "class_wise"


def command(smoke, *words):
    threads = ("--device", "cpu", "--threads", "1")
    done = smoke.run(sys.executable, "-m", "cxrlt", *words, *(() if words[0] == "info" else threads))
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done.stdout


def asked(smoke, split):
    """The images of a set, as files."""
    table = read_parquet(smoke.folder / f"data/sets/{split}.parquet")
    return [f"data/raw/mimic/images/{path}" for path in table["path"]]


def wide(smoke, path, classes):
    found = pd.read_csv(smoke.folder / path)
    return found["probability"].to_numpy().reshape(-1, len(classes))


def test_a_model_gives_the_development_predictions(smoke):
    command(smoke, "predict", *asked(smoke, "dev"), "--model", MODEL, "--out", "data/dev.csv")
    table = read_parquet(smoke.folder / f"predictions/dev/{MODEL}/0.parquet")
    np.testing.assert_allclose(wide(smoke, "data/dev.csv", table.columns[3:]), table.iloc[:, 3:], atol=2e-6)


def test_an_ensemble_gives_the_test_predictions(smoke):
    """From files, five alone and then all: each image has the views that the stage drew for it."""
    files = asked(smoke, "test")
    table = read_parquet(smoke.folder / f"predictions/ensemble/{ROW}/0.parquet").iloc[:, 3:]
    for count in (5, len(files)):
        command(smoke, "predict", *files[:count], "--ensemble", ROW, "--out", "data/test.csv")
        np.testing.assert_allclose(wide(smoke, "data/test.csv", table.columns), table[:count], atol=2e-6)


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
    assert "other shapes: squash" in command(smoke, "info", "--model", MODEL)
    words = ("submit", "data/raw/mimic/labels/test.csv", "--images", "data/raw/mimic/images")
    command(smoke, *words, "--model", MODEL, "--aggregate", "mean", "--out", "data/submission.csv")
    table = pd.read_csv(smoke.folder / "data/submission.csv", index_col="dicom_id")
    listed = pd.read_csv(smoke.folder / "data/raw/mimic/labels/test.csv")
    assert table.index.tolist() == listed["dicom_id"].tolist() and table.shape[1] == 26
    assert (table.groupby(listed["study_id"].to_numpy()).nunique() == 1).all(axis=None)
