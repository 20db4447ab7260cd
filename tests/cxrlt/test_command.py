"""The command as a user types it: what it writes, what it says, how it ends."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from served import write_dicom, write_images, write_model, write_pair
from sklearn.metrics import average_precision_score

from cxrlt import submit
from cxrlt.__main__ import main
from cxrlt_core import load_model
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.model.folder import model_marks
from cxrlt_core.packing.decoder import decoder
from cxrlt_core.serving.submission import CHALLENGES
from cxrlt_core.system.files import write_json, write_parquet

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study's folder with two models and an ensemble, and some images in it."""
    monkeypatch.chdir(tmp_path)
    write_pair(tmp_path)
    write_images(tmp_path / "images", 3)
    return tmp_path


def run(capsys, *words):
    """Run the command; return its exit code, and what it wrote to both streams."""
    code = main([*words, "--device", "cpu", "--threads", "1"] if words[0] != "info" else list(words))
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_predicts_a_folder_with_a_model(study, capsys):
    expected = load_model("models/one/0", "cpu").predict(["images"]).probabilities
    write_dicom(study / "images/scan", np.arange(400, dtype=np.uint16).reshape(20, 20))
    code, out, err = run(capsys, "predict", "images", "--model", "one")
    assert code == 0 and "no thresholds known" in err
    written = rows(out)
    assert len(written) == 104 and {row["image"] for row in written} >= {"images/scan", "images/2.png"}
    assert written[0]["image"] == "images/0.png" and written[0]["finding"] == CLASSES[0]
    probabilities = [float(row["probability"]) for row in written if row["image"] != "images/scan"]
    np.testing.assert_allclose(probabilities, expected.ravel(), rtol=1e-5)
    assert {(row["calibrated"], row["threshold"], row["present"]) for row in written} == {("", "", "")}


def test_a_row_an_image_and_a_column_a_class(study, capsys):
    write_model(study / "models/drawn/0", drawn=["mimic"])
    predicted = load_model("models/drawn/0", "cpu").predict(["images"])
    code, out, _ = run(capsys, "predict", "images", "--model", "drawn", "--wide")
    written = rows(out)
    assert code == 0 and list(written[0]) == ["image", *CLASSES, "note"]
    assert [row["image"] for row in written] == ["images/0.png", "images/1.png", "images/2.png"]
    found = [[float(row[name]) for name in CLASSES] for row in written]
    np.testing.assert_allclose(found, predicted.probabilities, rtol=1e-5)
    assert {row["note"] for row in written} == {predicted.note}


def write_metrics():
    """Write the thresholds of the model one, as its study has them."""
    calibration = {"0": {"temperature": 1.0, "thresholds": dict.fromkeys(CLASSES, 0.5)}}
    models = {"0": model_marks("models/one/0")}
    write_json("metrics/dev/one.json", {"calibration": calibration, "models": models})


def write_tables(number, row, models):
    """Write a table of a study, with a row of some models, and where it comes from."""
    Path("reports").mkdir(exist_ok=True)
    header = "row,mAP,mAP_low,mAP_high,note"
    Path(f"reports/table{number}.csv").write_text(f"{header}\n{row},0.3,0.2,0.4,A demo.\n")
    marks = {name: {"0": model_marks(f"models/{name}/0")} for name in models}
    write_json("reports/provenance.json", {f"table{number}": {row: {"models": marks}}})


def test_a_model_within_its_study_has_thresholds(study, capsys):
    write_metrics()
    code, out, err = run(capsys, "predict", "images", "--model", "models/one")
    assert code == 0 and not err
    assert all((row["present"] == "yes") == (float(row["probability"]) >= 0.5) for row in rows(out))
    _, elsewhere, err = run(capsys, "predict", "images", "--model", "two")
    assert "no thresholds known" in err and rows(elsewhere)[0]["threshold"] == ""


def test_that_another_decoder_packed_the_study_is_said(study, capsys):
    for mark, said in ((None, []), (decoder(), []), ("code 0", [f"was code 0; here {decoder()}"])):
        write_model(study / "models/three/0", decoder=mark)
        code, _, err = run(capsys, "predict", "images", "--model", "three")
        assert code == 0 and [line for line in err.splitlines() if "decoder" in line] == [
            f"probabilities may differ from the study's, whose decoder {words}" for words in said
        ]


def test_an_ensemble_takes_the_views_of_its_study_unless_told_otherwise(study, capsys):
    model = load_model("ensembles/both/0", "cpu")
    for words, views in (((), 3), (("--tta", "0"), 0), (("--tta", "5"), 5)):
        code, _, _ = run(capsys, "predict", "images/1.png", "--ensemble", "both", "--out", "o.csv", *words)
        written = [float(row["probability"]) for row in rows(Path("o.csv").read_text())]
        assert code == 0
        np.testing.assert_allclose(
            written, model.predict(["images/1.png"], views).probabilities[0], rtol=1e-5
        )


def test_what_cannot_be_read_is_named_at_the_end(study, capsys):
    (study / "images/1.png").write_text("no image")
    code, out, err = run(capsys, "predict", "images", "--ensemble", "ensembles/both/0", "--batch-size", "1")
    assert code == 1 and err.splitlines()[-1] == "skipped images/1.png: not a JPEG, PNG or DICOM image"
    assert {row["image"] for row in rows(out)} == {"images/0.png", "images/2.png"}


def test_attention_maps_are_written_for_what_is_present_or_asked_for(study, capsys):
    words = ("predict", "images/0.png", "--ensemble", "both", "--out", "o.csv", "--attention")
    assert run(capsys, *words, "maps")[0] == 0
    present = [row["finding"] for row in rows(Path("o.csv").read_text()) if row["present"] == "yes"]
    expected = {f"images_0-{finding.replace(' ', '_')}.png" for finding in present}
    assert expected and {path.name for path in Path("maps").iterdir()} == expected
    assert run(capsys, *words, "chosen", "--findings", "Hernia, Lung Lesion")[0] == 0
    written = sorted(Path("chosen").iterdir())
    assert [path.name for path in written] == ["images_0-Hernia.png", "images_0-Lung_Lesion.png"]
    assert Image.open(written[0]).mode == "RGB"


def write_list(folder, n=3):
    header = "dicom_id,subject_id,study_id,ViewPosition,ViewCodeSequence_CodeMeaning,fpath"
    paths = [f"files/p10/p1/s{number // 2}/d{number}.png" for number in range(n)]
    for path, image in zip(paths, write_images(folder / "images", n), strict=True):
        (folder / "mimic" / path).parent.mkdir(parents=True, exist_ok=True)
        image.rename(folder / "mimic" / path)
    lines = [f"d{number},1,{number // 2},PA,,{path}" for number, path in enumerate(paths)]
    (folder / "test.csv").write_text("\n".join([header, *lines, ""]))


def submitted(path):
    with zipfile.ZipFile(path) as archive:
        [name] = archive.namelist()
        return rows(archive.read(name).decode())


def test_submits_what_the_list_asks_for_whole_or_not_at_all(study, capsys):
    write_list(study)
    words = ("submit", "test.csv", "--images", "mimic", "--ensemble", "both", "--tta", "0", "--out")
    code, out, _ = run(capsys, *words, "s.zip")
    assert code == 0 and out == "s.zip: 3 images\n"
    written = submitted("s.zip")
    assert [row["dicom_id"] for row in written] == ["d0", "d1", "d2"]
    assert list(written[0]) == ["dicom_id", *CLASSES]
    expected = load_model("ensembles/both/0", "cpu").predict(["mimic"]).probabilities
    np.testing.assert_allclose([[float(row[c]) for c in CLASSES] for row in written], expected, rtol=1e-5)
    assert run(capsys, *words, "mean.zip", "--aggregate", "mean")[0] == 0
    means = np.array([[float(row[c]) for c in CLASSES] for row in submitted("mean.zip")])
    np.testing.assert_allclose(means[:2], [expected[:2].mean(0)] * 2, rtol=1e-5)
    np.testing.assert_allclose(means[2], expected[2], rtol=1e-5)
    image = study / "mimic/files/p10/p1/s0/d1.png"
    image.write_text("no image")
    code, _, err = run(capsys, *words, "no.zip")
    assert code == 1 and "d1.png: not a JPEG, PNG or DICOM image; 1 of 3 images cannot be read" in err
    image.unlink()
    image.mkdir()
    write_images(image, 2)
    code, _, err = run(capsys, *words, "no.zip")
    assert code == 1 and "d1.png: no such file; 1 of 3 images" in err and not Path("no.zip").exists()
    err = run(capsys, *words, "s.txt")[2]
    assert err == "error: --out s.txt: expected a name that ends in .zip or .csv\n"


def test_every_id_of_a_submission_gets_the_prediction_of_its_own_file(study, capsys):
    """Though two ids share a file, and a name looks like a pattern that matches others."""
    write_list(study, 4)
    (study / "mimic/files/p10/p1/s1/d3.png").rename(study / "mimic/files/p10/p1/s1/d[2].png")
    text = (study / "test.csv").read_text().replace("d3.png", "d[2].png").replace("s0/d1.png", "s0/d0.png")
    (study / "test.csv").write_text(text)
    words = ("submit", "test.csv", "--images", "mimic", "--model", "one", "--out", "s.zip")
    assert run(capsys, *words)[:2] == (0, "s.zip: 4 images\n")
    model = load_model("models/one/0", "cpu")
    files = (Path("mimic/files/p10/p1", f"s{name}.png") for name in ("0/d0", "0/d0", "1/d2", "1/d[2]"))
    expected = [model.predict([file]).probabilities[0] for file in files]
    written = submitted("s.zip")
    assert [row["dicom_id"] for row in written] == ["d0", "d1", "d2", "d3"]
    np.testing.assert_allclose([[float(row[c]) for c in CLASSES] for row in written], expected, rtol=1e-4)
    (study / "test.csv").write_text(text.replace("d3,", "d2,"))
    assert run(capsys, *words)[2].endswith("error: submission: dicom_id d2 is there twice\n")


def test_submits_to_2026_by_the_names_of_padchests_images(study, capsys):
    """Which may lie in its numbered folders."""
    challenge = CHALLENGES["2026-1"]
    write_model(study / "models/third/0", classes=challenge.classes[::-1])
    (study / "images/17").mkdir()
    (study / "images/1.png").rename(study / "images/17/1.png")
    (study / "list.csv").write_text("ImageID\n1.png\n0.png\n")
    words = ("submit", "list.csv", "--images", "images", "--model", "third", "--challenge", "2026-1", "--out")
    assert run(capsys, *words, "s.zip")[:2] == (0, "s.zip: 2 images\n")
    written = submitted("s.zip")
    assert list(written[0]) == ["ImageID", *challenge.classes]
    assert [row["ImageID"] for row in written] == ["1.png", "0.png"]
    files = ["images/17/1.png", "images/0.png"]
    expected = load_model("models/third/0", "cpu").predict(files).probabilities[:, ::-1]
    found = [[float(row[name]) for name in challenge.classes] for row in written]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    (study / "list.csv").write_text("ImageID\nelsewhere.png\n")
    err = run(capsys, *words, "s.zip")[2]
    assert err == "error: images/elsewhere.png: no such file; 1 of 1 images cannot be read, expected all\n"
    err = run(capsys, *words[:-3], "--challenge", "2026-2", "--out", "s.zip")[2]
    assert err.startswith("error: submission: the model knows 30 classes; the challenge has also Scoliosis, ")


def test_the_command_knows_the_challenges():
    assert tuple(CHALLENGES) == submit.CHALLENGES


def test_exports_a_folder_that_works_elsewhere(study, capsys):
    scores = {"AP": 0.5, "AP_low": 0.4, "AP_high": 0.6, "AUROC": 0.75}
    scores |= {"positive": 3, "known": 30, "patients": 2}
    write_json("metrics/ensemble.json", {"rows": {"both": {"classes": {"Mass": scores}}}})
    code, out, _ = run(capsys, "export", "--ensemble", "both", "--out", "given", "--no-onnx")
    assert code == 0 and out == "given: written\n"
    card = Path("given/README.md").read_text()
    assert card.startswith("# both, seed 0\n") and "the row `both` on the test set" in card
    assert "| Mass | 0.5000 | 0.5000 [0.4000, 0.6000] | 0.7500 | 0.1000 | 3 | 2 |" in card
    first = run(capsys, "predict", "images", "--ensemble", "both")[1]
    (study / "models").rename(study / "gone")
    assert run(capsys, "predict", "images", "--ensemble", "given")[1] == first


def test_an_export_mixes_and_overwrites_nothing(study, capsys, monkeypatch):
    before = {path: path.read_bytes() for path in (study / "models").rglob("*.*")}
    (study / "used").mkdir()
    (study / "used/README.md").touch()
    for out in ("models/two/0", "used", "used/README.md", "."):
        with pytest.raises(SystemExit) as caught:
            run(capsys, "export", "--model", "one", "--out", out, "--no-onnx")
        assert caught.value.code == 2 and "new folder" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (study / "models").rglob("*.*")} == before
    monkeypatch.setattr("cxrlt_core.serving.loading.CALIBRATION", "no/such\0name")
    (study / "empty").mkdir()
    with pytest.raises(ValueError):
        run(capsys, "export", "--model", "one", "--out", "empty", "--no-onnx")
    assert not list((study / "empty").iterdir()) and not list(study.glob(".empty*"))


def write_scored():
    """Write what a study holds on the model one; return its labels, and the probabilities that count."""
    generator = np.random.default_rng(3)
    targets = generator.integers(-1, 2, (40, len(CLASSES)), dtype=np.int8)
    written = generator.random(targets.shape, dtype=np.float32)
    images_of = {"image_id": 1, "study_id": 2, "patient_id": 4}
    ids = pd.DataFrame({key: [f"{key[0]}{n // each}" for n in range(40)] for key, each in images_of.items()})
    labels, scores = (pd.DataFrame(values, columns=CLASSES) for values in (targets, written))
    write_parquet("data/sets/dev.parquet", pd.concat([ids.assign(view="PA"), labels], axis=1))
    model = {"model": json.dumps(model_marks("models/one/0"))}
    write_parquet("predictions/dev/one/0.parquet", pd.concat([ids, scores], axis=1), model)
    write_json("data/sets/classes.json", {c: {"group": "head", "prevalence": 0.5} for c in reversed(CLASSES)})
    bootstrap = {"resamples": 100, "seed": 0, "level": 0.9}
    write_json("data/settings/params.json", {"bootstrap": bootstrap, "study": {"aggregate": "mean"}})
    return targets, written.reshape(20, 2, -1).mean(1).repeat(2, axis=0)


def test_a_card_scores_the_model_class_by_class_on_development_data(study, capsys):
    targets, written = write_scored()
    assert run(capsys, "export", "--model", "one", "--out", "given", "--no-onnx")[0] == 0
    card = Path("given/README.md").read_text()
    said = " ".join(card.split())
    assert "(seed 0), without test-time augmentation, on the development set of 40 images of 10" in said
    assert "90% intervals of the patients, from 100 resamples." in said
    for c in (0, 13):
        cells = next(line for line in card.splitlines() if line.startswith(f"| {CLASSES[c]} |")).split("|")
        [ap] = (float(n) for n in re.findall(r"0\.\d{4}", cells[3]))  # under ten positive patients alone
        known = targets[:, c] >= 0
        assert ap == pytest.approx(average_precision_score(targets[known, c], written[known, c]), abs=5.1e-5)
        prevalence = (targets[known, c] == 1).mean()
        assert float(cells[5]) == pytest.approx(prevalence, abs=5.1e-5)
        assert int(cells[7]) == len({n // 4 for n in np.flatnonzero(targets[:, c] == 1)})


def test_info_describes_one_of_several_seeds_without_loading_weights(study, capsys):
    code, out, _ = run(capsys, "info", "--model", "one")
    assert code == 0 and "resnet10t on 32 pixels, other shapes: squash" in out and "not known" in out
    write_model(study / "models/one/1")
    code, _, err = run(capsys, "info", "--model", "one")
    assert code == 1 and err == "error: --model one: expected one of models/one/0, models/one/1\n"
    assert run(capsys, "info", "--model", "one/1")[0] == 0
    write_tables(2, "both", ["one", "two"])
    code, out, _ = run(capsys, "info", "--ensemble", "both")
    assert code == 0 and "0.3000 [0.2000, 0.4000] on the test set" in out and "member 1" in out
    assert f"{'note':<12}A demo.\n" in out
    assert run(capsys, "info", "--ensemble", str(study / "ensembles/both"))[0] == 0


def test_what_is_of_another_training_is_left_out_and_a_line_says_so(study, capsys):
    write_metrics()
    write_scored()
    write_tables(1, "one", ["one"])
    code, out, err = run(capsys, "info", "--model", "one")
    assert code == 0 and not err and "known" in out and "0.3000 [0.2000, 0.4000]" in out
    write_model(study / "models/one/0", seed=9)
    line = "{}: not of models/one/0, left out; expected dvc repro\n"
    metrics, table = line.format("metrics/dev/one.json"), line.format("reports/table1.csv")
    code, out, err = run(capsys, "info", "--model", "one")
    assert code == 0 and err == metrics + table and "not known" in out and "mAP" not in out
    code, out, err = run(capsys, "predict", "images", "--model", "one")
    assert code == 0 and err.startswith(metrics) and {row["present"] for row in rows(out)} == {""}
    assert run(capsys, "export", "--model", "one", "--out", "given", "--no-onnx")[2] == "".join(
        [metrics, line.format("predictions/dev/one/0.parquet"), table]
    )
    card = Path("given/README.md").read_text()
    assert "No scores of the study" in card and "no row of the study's tables" in card
    assert not load_model("given", "cpu").calibration.known
    write_tables(2, "both", ["one", "two"])  # of the new one, which the ensemble has not
    assert "reports/table2.csv: not of" in run(capsys, "info", "--ensemble", "both")[2]


def test_models_of_the_demo_say_that_they_have_seen_drawings(study, capsys):
    write_model(study / "models/one/0", drawn=["mimic", "nih"])
    code, out, err = run(capsys, "predict", "images", "--model", "one")
    note = "trained on drawn images (mimic, nih): says nothing about patients"
    assert code == 0 and err.startswith(f"note: {note}\n") and {row["note"] for row in rows(out)} == {note}
    assert run(capsys, "export", "--model", "one", "--out", "given", "--no-onnx")[2] == f"note: {note}\n"
    assert f"**{note}**" in Path("given/README.md").read_text()
    assert f"{'training':<12}drawn images (mimic, nih)\n" in run(capsys, "info", "--model", "given")[1]
    assert "note" not in rows(run(capsys, "predict", "images", "--model", "two")[1])[0]


def test_no_name_of_a_file_is_a_formula_and_one_that_is_no_text_is_refused_at_once(study, capsys):
    for name in ("=1+1.png", "@x.png"):
        shutil.copy("images/0.png", name)
    out = run(capsys, "predict", "=1+1.png", "@x.png", "images/1.png", "--model", "one")[1]
    named = dict.fromkeys(row["image"] for row in rows(out))
    assert list(named) == ["./=1+1.png", "./@x.png", "images/1.png"]
    for name in (b"images/caf\xe9.png", b"images/x.png\r=1.png"):
        shutil.copy("images/0.png", name)
        code, out, err = run(capsys, "predict", "images", "--model", "three")
        assert (code, out) == (1, "") and err.startswith(f"error: {name}: expected a name in UTF-8")
        os.unlink(name)


def test_the_table_is_utf_8_wherever_it_goes_and_help_has_words_without_docstrings(study):
    shutil.copy("images/0.png", "images/łódź.png")
    words = ["predict", "images/łódź.png", "--model", "one", "--threads", "1", "--device", "cpu"]
    command = [sys.executable, "-OO", "-m", "cxrlt"]
    environment = os.environ | {"PYTHONIOENCODING": "latin-1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([*command, *words], env=environment, capture_output=True)
    assert done.returncode == 0 and rows(done.stdout.decode())[0]["image"] == "images/łódź.png", done.stderr
    done = subprocess.run([*command, "--help"], env=environment, capture_output=True, text=True, check=True)
    assert "submit" in done.stdout


ONE = ("predict", "images", "--model", "one")
MAPS = (*ONE, "--attention", "maps")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*ONE[:3], "three"), "--model three: no folder with config.json; models/ has one, two"),
        ((*ONE[:2], "--ensemble", "x"), "--ensemble x: no folder with ensemble.json; ensembles/ has both"),
        (("predict", "gone.png", *ONE[2:]), "gone.png: no such file or folder"),
        ((*ONE, "--findings", "Mass"), "expected --attention FOLDER with it"),
        (MAPS, "nothing is a yes; expected --findings A,B"),
        ((*MAPS, "--findings", "Flu"), "no finding 'Flu'; expected some of Atelectasis"),
        ((*MAPS, "--findings", "edemas"), "no finding 'edemas', did you mean 'Edema'?"),
        ((*ONE, "--device", "cuda:9"), "device: 'cuda:9' cannot be used"),
        ((*ONE[:3], "two"), "models/two/0/config.json: missing image_fit; train it again with this version"),
    ],
)
def test_a_mistake_is_one_line(words, message, study, capsys):
    path = study / "models/two/0/config.json"  # of older code
    content = json.loads(path.read_text())
    del content["image_fit"]
    path.write_text(json.dumps(content))
    code = main([*words, "--threads", "1", *(() if "--device" in words else ("--device", "cpu"))])
    said = capsys.readouterr()
    last = said.err.splitlines()[-1]
    assert code == 1 and not said.out and last.startswith("error: ") and message in last
    assert "Traceback" not in said.err


WRONG = [["--threads", "0"], ["--tta", "-1"], ["--out", "."], ["--out", "no/o.csv"], ["--ensemble", "b"]]


def test_out_replaces_no_file_that_is_protected_and_nothing_but_files(study, capsys):
    protected = study / "o.csv"
    protected.write_text("kept")
    protected.chmod(0o444)
    os.mkfifo(study / "pipe")
    for out, message in (("o.csv", "'o.csv' is read-only"), ("pipe", "'pipe' is a device or a pipe")):
        with pytest.raises(SystemExit):
            run(capsys, *ONE, "--out", out)
        assert message in capsys.readouterr().err
    assert protected.read_text() == "kept" and (study / "pipe").is_fifo()


@pytest.mark.parametrize("words", [[], ["predict", "x"], *([*ONE, *words] for words in WRONG)])
def test_wrong_words_show_the_usage(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2 and "usage: cxrlt" in capsys.readouterr().err


def test_ctrl_c_ends_a_command_at_once():
    program = "import signal, sys; sys.argv[1:] = ['info', '--model', 'x']\n"
    program += "from cxrlt import __main__ as cxrlt\n"
    program += "cxrlt.info.run = lambda _: signal.raise_signal(signal.SIGINT)\n"
    program += "try: cxrlt.main()\nexcept BaseException: print('raised')"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("command", ["predict", "submit", "export", "info"])
def test_help_is_quick_and_loads_nothing_heavy(command):
    program = f"import sys; sys.argv[1:] = ['{command}', '--help']\nfrom cxrlt.__main__ import main\n"
    program += "try: main()\nexcept SystemExit: print(*sys.modules)"
    command_line = [sys.executable, "-c", program]
    done = subprocess.run(command_line, cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"usage: cxrlt {command}" in done.stdout
    assert not {"torch", "pandas"} & set(done.stdout.split())
