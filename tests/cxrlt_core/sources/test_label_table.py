"""What every reader does, tried on the formats where it may happen; tests/bad_input has the bad files."""

from pathlib import Path

import numpy as np
import pytest
from label_files import (
    HEADERS,
    MIMIC_HEADER,
    NIH_HEADER,
    chexpert_row,
    mimic_row,
    nih_row,
    options,
    padchest_row,
    write,
)

from cxrlt_core.sources import label_file, read_source
from cxrlt_core.sources.label_file import BLANK, UNCERTAIN, read_label_file
from cxrlt_core.system.errors import StudyError


def test_marks(tmp_path):
    path = write(tmp_path / "a.csv", "x,y", "1,-1.0", "0.0,", "-1, 1 ", ",0")
    marks = read_label_file(path).marks(["y", "x"])
    assert list(marks) == ["y", "x"] and (marks.dtypes == np.int8).all()
    assert marks.to_numpy().tolist() == [[UNCERTAIN, 1], [BLANK, 0], [1, UNCERTAIN], [0, BLANK]]


@pytest.mark.parametrize("image", ["a..b.png", "..a.png", "a/.b.png", "a b.png"])
def test_path_that_stays(tmp_path, image):
    path = write(tmp_path / "a.csv", NIH_HEADER, nih_row(image))
    assert read_source("nih", path, options()).table["path"].item() == image


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_more_text_than_any_release_has_is_refused_before_it_is_read(tmp_path, monkeypatch, name):
    path = write(tmp_path / name, NIH_HEADER, *(nih_row(f"{n}.png") for n in range(30_000)))
    assert len(read_source("nih", path, options()).table) == 30_000
    monkeypatch.setattr(label_file, "SIZE", 1 << 20)
    for read in (label_file.read_label_file, label_file.read_lines):
        with pytest.raises(StudyError, match=rf"^{path}: more than 1 MiB of text, expected a label file$"):
            read(path)


#: The same patient, study and view twice, spelt otherwise; and the ids of both.
SPELLINGS = {
    "mimic": (
        [mimic_row("a"), mimic_row("b", " P0010000032", "S050414267 ", " pa", path="files/b.jpg")],
        ("mimic/10000032", "mimic/50414267"),
    ),
    "nih": ([nih_row("a.png", patient="7"), nih_row("b.png", patient=" 007", view="pa ")], ("nih/7", None)),
    "chexpert": (
        [
            chexpert_row("train/patient00001/study1/a.jpg", projection="PA", Edema="1.0"),
            chexpert_row("train/Patient1/Study01/b.jpg", "frontal ", " pa", Edema="1.0"),
        ],
        ("chexpert/patient00001", "chexpert/patient00001/study1"),
    ),
    "padchest": (
        [padchest_row(study="10-2"), padchest_row(image="b.png", patient=" 01", study="010-2 ", view="Pa")],
        ("padchest/1", "padchest/1/10-2"),
    ),
}


@pytest.mark.parametrize("source", SPELLINGS)
def test_a_patient_a_study_and_a_view_have_one_spelling(tmp_path, source):
    rows, (patient, study) = SPELLINGS[source]
    table = read_source(source, write(tmp_path / "a.csv", HEADERS[source], *rows), options()).table
    assert table["patient_id"].tolist() == [patient] * 2 and table["view"].tolist() == ["PA"] * 2
    assert study is None or table["study_id"].tolist() == [study] * 2


def test_a_study_name_of_two_patients_is_a_study_of_each_across_files_too(tmp_path):
    rows = [mimic_row("a", "10000032", "1"), mimic_row("c", "10000032", "1"), mimic_row("d", "10000032")]
    write(tmp_path / "train.csv", MIMIC_HEADER, *rows)
    write(tmp_path / "development.csv", MIMIC_HEADER, mimic_row("b", "10000764", "01"))
    write(tmp_path / "test.csv", MIMIC_HEADER, mimic_row("e", "10000980", "2"))
    studies = read_source("mimic", tmp_path, options()).table["study_id"].tolist()
    shared, alone = ["mimic/10000032/1"] * 2, ["mimic/50414267"]
    assert studies == [*shared, *alone, "mimic/10000764/1", "mimic/2"]


def test_no_finding_beside_a_finding_is_dropped_and_counted_beside_devices_it_is_not(tmp_path):
    rows = [
        mimic_row("a", No_Finding="1", Edema="1"),
        mimic_row("b", No_Finding="1", Support_Devices="1"),
        mimic_row("c", No_Finding="1", Edema="-1"),
        mimic_row("d", Edema="1"),
    ]
    found = read_source("mimic", write(tmp_path / "a.csv", MIMIC_HEADER, *rows), options())
    assert [Path(path).stem for path in found.table["path"]] == ["b", "c", "d"]
    assert found.dropped == {"a.csv: No Finding beside a finding": 1}


def test_columns_of_labels_that_are_not_read_are_counted_and_no_other_ones(tmp_path):
    others = ["Scoliosis,Age,Ones,Blank", "1,1,1,", "0,57,1,", ",0,1,", "1.0,1,1,", "-1,0,1,"]
    rows = [MIMIC_HEADER, *(mimic_row(dicom) for dicom in "abcde")]
    path = write(tmp_path / "a.csv", *(",".join(pair) for pair in zip(rows, others, strict=True)))
    assert read_source("mimic", path, options()).unread == {"Scoliosis": 2}
