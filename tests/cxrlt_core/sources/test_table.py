"""What every reader does with a bad file, tried on the formats where it may happen."""

import numpy as np
import pytest
from label_files import CHEXPERT_HEADER, NIH_HEADER, chexpert_row, nih_row, write

from cxrlt_core.labels import CLASSES, count_labels
from cxrlt_core.sources import Options, read_source, table
from cxrlt_core.sources.table import BLANK, UNCERTAIN, read_label_file
from cxrlt_core.system.errors import StudyError

GOOD = nih_row("good.png")


def fails(path, source="nih"):
    """Return the message for a bad label file: one line that begins with the file."""
    with pytest.raises(StudyError) as caught:
        read_source(source, path, Options())
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_marks(tmp_path):
    path = write(tmp_path / "a.csv", "x,y", "1,-1.0", "0.0,", "-1, 1 ", ",0")
    marks = read_label_file(path).marks(["y", "x"])
    assert list(marks) == ["y", "x"] and (marks.dtypes == np.int8).all()
    assert marks.to_numpy().tolist() == [[UNCERTAIN, 1], [BLANK, 0], [1, UNCERTAIN], [0, BLANK]]


@pytest.mark.parametrize(
    "image",
    [
        "/etc/a.png",
        "../a.png",
        "a/../../b.png",
        "a/..",
        "./a.png",
        "a//b.png",
        "",
        "..",
        "C:/a.png",
        r"..\a.png",
    ],
)
def test_path_that_leaves_its_root(tmp_path, image):
    path = write(tmp_path / "a.csv", NIH_HEADER, GOOD, nih_row(image))
    expected = f"row 3: Image Index: expected a relative path without '..', found {image!r}"
    assert fails(path) == expected


@pytest.mark.parametrize("image", ["a..b.png", "..a.png", "a/.b.png", "a b.png"])
def test_path_that_stays(tmp_path, image):
    path = write(tmp_path / "a.csv", NIH_HEADER, nih_row(image))
    assert read_source("nih", path, Options()).table["path"].item() == image


def test_absolute_path_below_the_stripped_part_is_refused(tmp_path):
    row = chexpert_row("CheXpert-v1.0//train/patient00001/study1/view1_frontal.jpg", Edema="1.0")
    assert "relative path" in fails(write(tmp_path / "a.csv", CHEXPERT_HEADER, row), "chexpert")


def test_image_twice_after_its_prefix_is_dropped(tmp_path):
    tail = "train/patient00001/study1/view1_frontal.jpg"
    rows = [chexpert_row(f"CheXpert-v1.0{kind}/{tail}", Edema="1.0") for kind in ("", "-small")]
    path = write(tmp_path / "a.csv", CHEXPERT_HEADER, chexpert_row(tail.replace("01/", "02/")), *rows)
    assert fails(path, "chexpert").startswith(
        "row 4: image 'patient00001/study1/view1_frontal.jpg' is there twice"
    )


@pytest.mark.parametrize(("row", "found"), [(GOOD + ",1", 12), ("a.png,Mass,0", 3)])
def test_row_of_another_width(tmp_path, row, found):
    expected = f"expected 11 values, one per column, found {found}"
    first = write(tmp_path / "a.csv", NIH_HEADER, row, GOOD)
    assert fails(first) == f"row 2: {expected}"
    later = write(tmp_path / "b.csv", NIH_HEADER, GOOD, row, "also,wrong")
    assert fails(later) == f"row 3: {expected}"


def test_row_numbers_count_blank_lines_and_lines_within_quotes(tmp_path):
    quoted = nih_row("quoted.png").replace(",57,", ',"5\n7",')
    path = write(tmp_path / "a.csv", "", NIH_HEADER, GOOD, "", quoted, nih_row("bad.png", "Covid"))
    assert fails(path).startswith("row 7: Finding Labels: unknown finding 'Covid'")


def test_a_header_may_take_more_than_a_line(tmp_path):
    path = write(tmp_path / "a.csv", NIH_HEADER.replace("Patient Age", '"Patient\nAge"'), GOOD)
    assert read_source("nih", path, Options()).table["path"].tolist() == ["good.png"]


def test_blank_lines_are_no_rows(tmp_path):
    path = write(tmp_path / "a.csv", "", NIH_HEADER, "", GOOD, "", "")
    assert len(read_source("nih", path, Options()).table) == 1


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_more_text_than_any_release_has_is_refused_before_it_is_read(tmp_path, monkeypatch, name):
    path = write(tmp_path / name, NIH_HEADER, *(nih_row(f"{n}.png") for n in range(30_000)))
    assert len(read_source("nih", path, Options()).table) == 30_000
    monkeypatch.setattr(table, "SIZE", 1 << 20)
    assert fails(path) == "more than 1 MiB of text, expected a label file"
    with pytest.raises(StudyError, match="more than 1 MiB of text"):
        table.read_lines(path)


def test_a_long_cell_does_not_hide_the_row_of_a_bad_label(tmp_path):
    long = nih_row("1.png").replace("57", "5" * 200_000)
    path = write(tmp_path / "a.csv", NIH_HEADER, long, nih_row("2.png", "Covid"))
    assert fails(path).startswith("row 3: Finding Labels: unknown finding 'Covid'")


def test_a_table_counts_images_patients_studies_and_states(tmp_path):
    rows = [
        chexpert_row("train/patient00001/study1/a.jpg", Edema="1.0"),
        chexpert_row("train/patient00001/study1/b.jpg", Edema="-1.0"),
        chexpert_row("train/patient00001/study2/a.jpg", Edema="0.0"),
        chexpert_row("train/patient00002/study1/a.jpg", Fracture="1.0"),
    ]
    path = write(tmp_path / "a.csv", CHEXPERT_HEADER, *rows)
    table = read_source("chexpert", path, Options()).table
    summary = count_labels(table, CLASSES)
    assert (summary["images"], summary["patients"], summary["studies"]) == (4, 2, 3)
    assert len(summary["classes"]) == 26
    assert summary["classes"]["Edema"] == {"positive": 1, "negative": 2, "unknown": 1}
    assert summary["classes"]["Hernia"] == {"positive": 0, "negative": 0, "unknown": 4}
    assert list(count_labels(table, ["Edema"])["classes"]) == ["Edema"]
