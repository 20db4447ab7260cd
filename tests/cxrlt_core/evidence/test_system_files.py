"""Labels and predictions from files: any order, either format, and the tables of a study."""

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.evidence.system_files import read_labels, read_system


@pytest.fixture
def labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").write_text("image,patient,Edema,A b\n001,p1,1,0\n2,p1,,1.0\nNA,p2,-1,0\n")
    return read_labels("labels.csv")


def predictions(path, shuffle=True, **columns):
    table = pd.DataFrame({"image": ["NA", "001", "2"], "A b": [0.3, 0.1, 0.2], "Edema": [0.6, 0.4, 0.5]})
    table = table.assign(**columns)
    if str(path).endswith(".parquet"):
        table.to_parquet(path)
    else:
        table.to_csv(path)  # with a column of numbered rows


def test_labels_are_known_or_unknown_and_names_are_text(labels):
    assert list(labels.images) == ["001", "2", "NA"] and list(labels.patients) == ["p1", "p1", "p2"]
    assert labels.classes == ["Edema", "A b"]
    assert labels.targets.dtype == np.int8 and labels.targets.tolist() == [[1, 0], [-1, 1], [-1, 0]]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_images_and_classes_stand_in_any_order(labels, name):
    predictions(name)
    system = read_system([name], labels)
    assert system.seeds[0].tolist() == [[0.4, 0.1], [0.5, 0.2], [0.6, 0.3]] and not system.warnings


def test_what_is_extra_is_left_out_with_a_warning_that_names_no_image(labels):
    predictions("a.csv", image=["001", "2", "NA"], Hernia=0.5)
    with open("a.csv", "a") as file:
        file.write("secret,,7,\n")
    system = read_system(["a.csv"], labels)
    assert system.seeds[0].shape == (3, 2)
    assert system.warnings == [
        "a.csv: 1 images without labels are left out",
        "a.csv: 1 classes without labels are left out: Hernia",
    ]


def test_seeds_are_in_the_order_of_their_numbers_and_each_once(labels):
    for seed in (10, 2, 1):
        predictions(f"s{seed}.csv", Edema=seed / 100)
    found = read_system(["s*.csv", "s2.csv"], labels)
    assert [scores[0, 0] for scores in found.seeds] == [0.01, 0.02, 0.1]


def test_logits_may_be_any_number(labels):
    predictions("a.csv", Edema=[-3, 4, 0])
    assert read_system(["a.csv"], labels, logits=True).seeds[0][:, 0].tolist() == [4, 0, -3]


def test_the_tables_of_a_study_are_taken_as_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"image_id": ["a", "b"], "patient_id": ["p", "q"], "study_id": ["s", "t"]}
    others = {"view": "PA", "path": "x", "source": "nih", "row": [0, 1], "digest": "f00d"}
    marks = {"Edema": np.array([1, -1], np.int8), "Mass": [False, True]}
    pd.DataFrame(names | others | marks).to_parquet("dev.parquet")
    labels = read_labels("dev.parquet")
    assert labels.classes == ["Edema", "Mass"] and labels.targets.tolist() == [[1, 0], [-1, 1]]
    scores = {"Edema": np.array([0.25, 0.5], np.float32), "Mass": [0.0, 1.0]}
    pd.DataFrame(names | scores).iloc[::-1].to_parquet("0.parquet")
    assert read_system(["0.parquet"], labels).seeds[0].tolist() == [[0.25, 0], [0.5, 1]]
