"""``cxrlt predict --labels``: labels that a model was never trained on, marked wherever they stand."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from served import write_images, write_model, write_pair

from cxrlt.__main__ import main
from cxrlt.study import StudyFolder
from cxrlt_core import load_model
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.designs.text_encoder import TextEncoder, embed_labels
from cxrlt_core.model.zero_shot import nystrom_coordinates
from cxrlt_core.serving.zero_shot import with_labels
from cxrlt_core.system.files import write_json
from cxrlt_core.system.tensors import write_tensors

STANDIN = "data/text_encoders/pubmedbert-standin"
GATING = {"normal": "No Finding", "power": 1.0, "spared": []}
ENTRY = {"model": STANDIN, "pooling": "cls", "revision": None, "prompt": "an X-ray with {label}"}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A study's folder with a shared model, its text encoder and images; shares of two new labels."""
    folder = tmp_path_factory.mktemp("study")
    write_text_model("pubmedbert", folder / STANDIN, seed=1)
    encoder = TextEncoder(**ENTRY | {"model": str(folder / STANDIN)})
    embeddings, _ = embed_labels([*CLASSES, "Hiatal Hernia", "Gout"], encoder, "text_encoders.pubmedbert")
    shares = nystrom_coordinates(embeddings[26:], embeddings[:26])[1]
    write_tensors(folder / "data/text/pubmedbert.safetensors", {}, {"revision": "local"})
    write_json(folder / "data/settings/text/pubmedbert.json", {**ENTRY, "labels": list(CLASSES)})
    shared = {"designs": {}, "text": "pubmedbert", "drawn": ["mimic"]}
    write_model(folder / "models/shared/0", embeddings=embeddings[:26], **shared)
    write_model(folder / "models/other/0", **shared)
    write_pair(folder)
    write_images(folder / "images", 3)
    return folder, shares


@pytest.fixture
def study(made, monkeypatch) -> np.ndarray:
    """Shares of the new labels, in the study's folder."""
    monkeypatch.chdir(made[0])
    return made[1]


def predict(capsys, *words: str, model: str = "shared") -> tuple[int, str, str]:
    code = main(["predict", "images", "--model", model, *words, "--device", "cpu", "--threads", "1"])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def table(text: str, path: Path) -> pd.DataFrame:
    path.write_text(text)
    return pd.read_csv(path)


def test_new_labels_are_rows_that_say_what_they_are_and_others_stay(study, capsys, tmp_path):
    _, plain, _ = predict(capsys)
    code, out, err = predict(capsys, "--labels", "Hiatal  Hernia,Gout")
    assert code == 0
    without, found = table(plain, tmp_path / "a"), table(out, tmp_path / "b")
    asked = found["zero_shot"].notna()
    assert found[asked]["finding"].tolist() == ["Hiatal Hernia", "Gout"] * 3
    np.testing.assert_allclose(found[asked]["zero_shot"], np.tile(study, 3), rtol=1e-4)
    assert found[asked][["calibrated", "threshold", "present"]].isna().all(axis=None)
    kept = found[~asked][["image", "finding", "probability"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, without[["image", "finding", "probability"]])
    probabilities = found[asked]["probability"].to_numpy().reshape(3, 2)
    assert len(np.unique(probabilities)) == 6 and ((probabilities > 0) & (probabilities < 1)).all()
    for name, share in zip(("Hiatal Hernia", "Gout"), study, strict=True):
        words = f"{name} is zero-shot: never trained on, trained labels express {share:.0%} of its name"
        assert words in found["note"][0] and any(
            line.startswith(f"note: {words} (‖c‖² {share:.4f})") for line in err.splitlines()
        )
    assert "drawn images" in found["note"][0]


def test_new_labels_are_columns_that_say_what_they_are(study, capsys, tmp_path):
    _, long, _ = predict(capsys, "--labels", "Gout")
    code, out, _ = predict(capsys, "--labels", "Gout", "--wide")
    wide = table(out, tmp_path / "a")
    assert code == 0 and list(wide) == ["image", *CLASSES, "Gout (zero-shot)", "note"]
    rows = table(long, tmp_path / "b")
    assert wide["Gout (zero-shot)"].tolist() == rows[rows["finding"] == "Gout"]["probability"].tolist()


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        (
            "no finding",
            "'no finding' is a class of the model; expected new labels, each once",
        ),
        ("Gout,gout", "'gout' is there twice; expected new labels, each once"),
        ("Gout,", "expected names that begin with a letter, without | or quote, found ''"),
        ("=1+1", "expected names that begin with a letter, without | or quote, found '=1+1'"),
        ("Gout " * 70, "text_encoders.pubmedbert.prompt: "),
    ],
)
def test_a_label_that_cannot_be_one_is_a_line(study, capsys, labels, line):
    code, out, err = predict(capsys, "--labels", labels)
    assert code == 1 and not out and err.splitlines()[-1].startswith(f"error: --labels: {line}")


def test_a_model_that_cannot_be_asked_is_a_line(study, capsys, tmp_path):
    shutil.copytree("models/shared/0", tmp_path / "alone")
    needs = "the text encoder 'pubmedbert' of its study, data/settings/text and data/text, is not there; "
    for model, line in {
        "one": "this model has a last layer for each class; expected a shared one",
        "other": "the text encoder is not the one of this model, whose labels it arranges otherwise",
        str(tmp_path / "alone"): f"{tmp_path}/alone: {needs}expected models/<variant>/<seed> of a study",
    }.items():
        code, out, err = predict(capsys, "--labels", "Gout", model=model)
        assert code == 1 and not out and err.splitlines()[-1] == f"error: --labels: {line}"
    code, _, err = predict(capsys, "--labels", "Gout", "--attention", str(tmp_path / "maps"))
    assert code == 1 and "--labels: there are no attention maps of zero-shot labels" in err
    code = main(["predict", "images", "--ensemble", "both", "--labels", "Gout", "--device", "cpu"])
    assert code == 1 and "--labels: an ensemble has no zero-shot labels" in capsys.readouterr().err


def test_trained_labels_keep_their_bits_with_views_and_designs(study):
    shared = {"text": "pubmedbert", "designs": {"normal_gating": GATING}}
    encoder = StudyFolder(Path("models/shared/0")).text_encoder("pubmedbert")
    embeddings, _ = embed_labels(CLASSES, encoder, "text_encoders.pubmedbert")
    write_model(Path("models/gated/0"), embeddings=embeddings, **shared)
    plain = load_model("models/gated/0", "cpu")
    asked = with_labels(plain, ["Gout"], encoder)
    one, two = (predictor.predict(["images"], views=2) for predictor in (plain, asked))
    assert np.array_equal(one.probabilities, two.probabilities[:, :26])
    assert two.classes == [*CLASSES, "Gout"] and two.zero_shot == asked.zero_shot and not one.zero_shot


def test_the_commit_of_a_hub_is_that_of_the_embeddings(made):
    folder = made[0]
    write_json(folder / "data/settings/text/hub.json", {**ENTRY, "model": "some/model", "revision": "v1"})
    write_tensors(folder / "data/text/hub.safetensors", {}, {"revision": "c0ffee"})
    encoder = StudyFolder(folder / "models/shared/0").text_encoder("hub")
    assert encoder.model_dump() == {**ENTRY, "model": "some/model", "revision": "c0ffee"}
