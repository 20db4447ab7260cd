import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from label_files import CHEXPERT_HEADER, chexpert_row, options, write
from naive_reader import CHEXPERT_KNOWN, assert_same, read_chexpert

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.packing.files import find_files
from cxrlt_core.sources import find_reader, read_source

A, B = "CheXpert-v1.0-small/train/patient00001/study", "CheXpert-v1.0-small/train/patient00002/study"
ROWS = [
    chexpert_row(f"{A}1/view1_frontal.jpg", No_Finding="1.0", Support_Devices="1.0", Edema="0.0"),
    chexpert_row(f"{A}1/view2_lateral.jpg", "Lateral", "", Edema="-1.0", Fracture="1.0"),
    chexpert_row(f"{A}2/view1_frontal.jpg", "Frontal", "PA", "Unknown", Pneumonia="-1.0", Edema="-1.0"),
    chexpert_row(f"{B}1/view1_frontal.jpg"),  # all blank
    chexpert_row(f"{B}2/view1_frontal.jpg", "Frontal", "LL", Edema="-1.0"),
    chexpert_row(f"{B}3/view1_frontal.jpg", "Frontal", "", Pleural_Other="1.0"),
]


def read(path, uncertain="ignore", **classes):
    return read_source("chexpert", path, options(uncertain={"default": uncertain, **classes}))


@pytest.mark.parametrize("uncertain", ["ignore", "zero", "one"])
def test_reads_every_row_as_the_naive_reader_does(tmp_path, uncertain):
    path = write(tmp_path / "train.csv.gz", CHEXPERT_HEADER, *ROWS)
    found = read(path, uncertain)
    assert_same(found.table, read_chexpert(path, uncertain))
    assert found.known == tuple(name for name in CLASSES if name in CHEXPERT_KNOWN)
    assert found.dropped == {"train.csv.gz: no label": 1}
    assert found.uncertain == dict.fromkeys(found.known, 0) | {"Edema": 3, "Pneumonia": 1}


def test_a_class_may_have_a_policy_of_its_own(tmp_path):
    table = read(write(tmp_path / "train.csv", CHEXPERT_HEADER, *ROWS), "zero", Pneumonia="one").table
    assert list(table["Edema"]) == [0, 0, 0, 0, 0]
    assert list(table["Pneumonia"]) == [0, 0, 1, 0, 0]
    assert list(table["Support Devices"]) == [1, 0, 0, 0, 0]
    assert (table["Hernia"] == -1).all()


def test_frontal_views_only(tmp_path):
    path = write(tmp_path / "train.csv", CHEXPERT_HEADER, *ROWS)
    found = read_source("chexpert", path, options(views="frontal"))
    everything = read(path)
    dropped = {"view OTHER": 2, "view LATERAL": 1, "no label": 1}
    assert list(everything.table["view"]) == ["AP", "LATERAL", "PA", "OTHER", "OTHER"]
    pd.testing.assert_frame_equal(found.table, everything.table.iloc[[0, 2]].reset_index(drop=True))
    assert found.dropped == {f"train.csv: {reason}": count for reason, count in dropped.items()}
    assert found.uncertain == dict.fromkeys(found.known, 0) | {"Edema": 1, "Pneumonia": 1}


@pytest.mark.parametrize("root", ["CheXpert-v1.0/", "CheXpert-v1.0-small/", ""])
def test_all_releases_give_the_same_ids(tmp_path, root):
    path = f"{root}train/patient00001/study1/view1_frontal.jpg"
    table = read(write(tmp_path / "train.csv", CHEXPERT_HEADER, chexpert_row(path, Mass="", Edema="1.0")))
    row = table.table.iloc[0]
    assert row["path"] == "patient00001/study1/view1_frontal.jpg"
    assert row["image_id"] == f"chexpert/{row['path']}"
    assert row["patient_id"] == "chexpert/patient00001"
    assert row["study_id"] == "chexpert/patient00001/study1"


LAYOUTS = {
    "full": ("CheXpert-v1.0/train", "CheXpert-v1.0/valid"),
    "small": ("CheXpert-v1.0-small/train", "CheXpert-v1.0-small/valid"),
    "inside the release": ("train", "valid"),
    "batches": ("CheXpert-v1.0 batch 3 (train 2)", "CheXpert-v1.0 batch 1 (validate & csv)/valid"),
    "with the test set": ("CheXpert-v1.0/train", "CheXpert-v1.0/test"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_images_of_every_release_are_found(tmp_path, layout):
    train, valid = "patient00001/study1/view1_frontal.jpg", "patient64541/study1/view1_frontal.jpg"
    for folder, path in zip(LAYOUTS[layout], (train, valid), strict=True):
        write(tmp_path / "images" / folder / path)
    write(tmp_path / "train.csv", CHEXPERT_HEADER, chexpert_row(f"CheXpert-v1.0/train/{train}", Edema="1.0"))
    write(tmp_path / "valid.csv", CHEXPERT_HEADER, chexpert_row(f"CheXpert-v1.0/valid/{valid}", Edema="1.0"))
    paths = read(tmp_path).table["path"].tolist()
    found = find_files(paths, tmp_path / "images", find_reader("chexpert").IMAGE_FOLDERS)
    expected = [f"{folder}/{path}" for folder, path in zip(LAYOUTS[layout], (train, valid), strict=True)]
    assert [str(Path(file).relative_to(tmp_path / "images")) for file in found] == expected


def test_folder_takes_valid_as_dev(tmp_path):
    write(tmp_path / "train.csv", CHEXPERT_HEADER, *ROWS)
    assert read(tmp_path).table["split"].isna().all()
    valid = chexpert_row("CheXpert-v1.0/valid/patient64541/study1/view1_frontal.jpg", Edema="-1.0")
    write(tmp_path / "valid.csv", CHEXPERT_HEADER, valid)
    found = read(tmp_path)
    assert list(found.table["split"].fillna("none")) == ["none"] * 5 + ["dev"]
    assert found.uncertain["Edema"] == 4
    assert found.official == {"dev": "valid.csv"}


TEST_HEADER = ",".join(["Study", *CHEXPERT_KNOWN])
KNOWN_OF_THREE = {"64741": ("Cardiomegaly", "Support Devices"), "64742": ("No Finding",), "64743": ()}


def write_test_set(path, views, header=TEST_HEADER):
    """Write the labels of three studies, a row for each of some images, or of the study itself."""
    studies = [f"CheXpert-v1.0/test/patient{patient}/study1" for patient in KNOWN_OF_THREE]
    rows = [
        ",".join([study + view, *("1" if name in found else "0" for name in CHEXPERT_KNOWN)])
        for study, found in zip(studies, KNOWN_OF_THREE.values(), strict=True)
        for view in views
    ]
    return write(path, header, *rows)


PATHS = TEST_HEADER.replace("Study", "Path")


@pytest.mark.parametrize(
    ("name", "header", "views", "expected"),
    [
        ("groundtruth.csv", TEST_HEADER, [""], ["FRONTAL"]),
        ("test_labels.csv", PATHS, [""], ["FRONTAL"]),
        ("test_labels.csv", PATHS, ["/view1_frontal.jpg", "/view2_lateral.jpg"], ["FRONTAL", "LATERAL"]),
    ],
)
def test_the_test_set_by_studies_or_images_without_a_column_of_views(tmp_path, name, header, views, expected):
    found = read(write_test_set(tmp_path / name, views, header))
    table = found.table.set_index("path")
    for patient, positive in KNOWN_OF_THREE.items():
        for number, view in enumerate(expected):
            row = table.loc[f"patient{patient}/study1/{views[number][1:] or 'view1_frontal.jpg'}"]
            assert {label for label in CHEXPERT_KNOWN if row[label] == 1} == set(positive)
            assert row[CHEXPERT_KNOWN].isin([0, 1]).all() and row["view"] == view
            assert row["study_id"] == f"chexpert/patient{patient}/study1"
    assert len(table) == 3 * len(views) and not found.dropped and found.official == {}


def test_the_test_set_may_lie_beside_the_others(tmp_path):
    write(tmp_path / "train.csv", CHEXPERT_HEADER, *ROWS)
    valid = chexpert_row("CheXpert-v1.0/valid/patient64541/study1/view1_frontal.jpg", Edema="0.0")
    write(tmp_path / "valid.csv", CHEXPERT_HEADER, valid)
    write(tmp_path / "train_cheXbert.csv", CHEXPERT_HEADER, *ROWS)  # which this reads not
    assert read(tmp_path).official == {"dev": "valid.csv"}
    write_test_set(tmp_path / "test_labels.csv", [""], PATHS)
    found = read(tmp_path)
    assert found.table["split"].fillna("none").tolist() == ["none"] * 5 + ["dev"] + ["test"] * 3
    assert found.official == {"dev": "valid.csv", "test": "test_labels.csv"}
    single = read(tmp_path / "valid.csv").table
    assert (
        single["path"].tolist() == ["patient64541/study1/view1_frontal.jpg"] and single["split"].isna().all()
    )


def test_what_a_report_does_not_mention_may_be_unknown(tmp_path):
    path = write(tmp_path / "train.csv", CHEXPERT_HEADER, *ROWS)
    found = read_source("chexpert", path, options(own={"blank": "unknown"}))
    negative = read(path).table
    assert found.dropped == {"train.csv: no label": 1} and len(found.table) == len(negative)
    known = found.table[list(found.known)]
    assert known.iloc[0].to_dict() == dict.fromkeys(found.known, -1) | {
        "No Finding": 1,
        "Support Devices": 1,
        "Edema": 0,
    }
    assert (known == 1).equals(negative[list(found.known)] == 1) and (known == -1).to_numpy().sum() > 50


def test_full_size_in_seconds_and_like_the_naive_reader(tmp_path):
    rng = np.random.default_rng(0)
    marks = np.array(["", "0.0", "1.0", "-1.0"])[rng.choice(4, (223_414, 14), p=[0.7, 0.1, 0.15, 0.05])]
    lines = [
        f"CheXpert-v1.0/train/patient{i // 3:05d}/study{i % 3}/view1_frontal.jpg,Male,60,Frontal,AP,"
        + ",".join(row)
        for i, row in enumerate(marks.tolist())
    ]
    path = write(tmp_path / "train.csv", CHEXPERT_HEADER, *lines)
    start = time.perf_counter()
    table = read(path).table
    assert time.perf_counter() - start < 10  # about 1 s on an idle machine
    head = write(tmp_path / "head.csv", CHEXPERT_HEADER, *lines[:5_000])  # the naive reader is slow
    rows = list(read_chexpert(head, "ignore"))
    assert_same(table.head(len(rows)), rows)


def test_age_0_is_unknown_90_is_kept_and_a_file_without_them_leaves_both_unknown(tmp_path):
    told = [("Female", "0"), ("Male", "90"), ("Unknown", "1")]
    rows = [
        chexpert_row(f"{A}{n}/view1_frontal.jpg", sex=sex, age=age, Edema="1.0")
        for n, (sex, age) in enumerate(told)
    ]
    write(tmp_path / "train.csv", CHEXPERT_HEADER, *rows)
    test = write_test_set(tmp_path / "test_labels.csv", [""], PATHS)
    table = read(tmp_path).table
    assert table["sex"].tolist() == ["F", "M", "", "", "", ""]
    np.testing.assert_array_equal(table["age"], [np.nan, 90, 1, np.nan, np.nan, np.nan])
    assert not {"sex", "age"} & set(read(test).table)
