import numpy as np
import pandas as pd
import pytest
from label_files import (
    CHEXPERT_HEADER,
    MIMIC_HEADER,
    MIMIC_META,
    NIH_HEADER,
    chexpert_row,
    mimic_row,
    nih_row,
    options,
    write,
)

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import read_source
from cxrlt_core.sources.label_file import BLANK, OPEN, UNCERTAIN
from cxrlt_core.sources.mapping import map_marks


@pytest.fixture
def space(tmp_path):
    """Make a label space of a few lines."""

    def make(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return read_label_space(str(path))

    return make


def marks_of(**names):
    return pd.DataFrame(names, dtype=np.int8)


def test_names_and_aliases_are_found_whatever_their_order_and_spelling(space):
    mine = space("classes: [Wet lung, Big heart, Bone]\naliases: {Wet lung: [Effusion, Water]}")
    found = map_marks(marks_of(big_heart=[1, 0], Nerve=[1, 1], WATER=[0, -1], effusion=[0, 1]), mine)
    assert list(found.marks) == ["Wet lung", "Big heart"]  # in the order of the space
    assert found.marks.to_numpy().tolist() == [[0, 1], [1, 0]]  # the first alias that is there
    assert found.unread == ["Nerve", "WATER"] and not found.related


#: What there is of a class, by relation; marks there; marks of the class. Columns are images.
CASES = {
    "several together": (
        "{exact: [a, b]}",
        {"a": [1, 0, 0, 0, -1], "b": [0, 0, 2, -1, 1]},
        [1, 0, BLANK, UNCERTAIN, 1],
    ),
    "near, beside the same": (
        "{exact: [a], near: [b]}",
        {"a": [1, 0, 0, 2], "b": [1, 1, 0, 1]},
        [1, OPEN, 0, OPEN],
    ),
    "partial, beside the same": ("{exact: [a], partial: [b]}", {"a": [1, 0], "b": [1, 1]}, [1, OPEN]),
    "a subtype beside the same tells nothing new": (
        "{exact: [a], narrower: [b]}",
        {"a": [0, 1], "b": [1, 0]},
        [0, 1],
    ),
    "near alone, used": ("{near: [a], use: [near]}", {"a": [1, 0, -1, 2]}, [1, 0, UNCERTAIN, BLANK]),
    "broader alone, used": ("{broader: [a], use: [broader]}", {"a": [1, 0, -1, 2]}, [OPEN, 0, OPEN, BLANK]),
    "broader two, used": (
        "{broader: [a, b], use: [broader]}",
        {"a": [1, 1, 2], "b": [1, 0, 0]},
        [OPEN, 0, 0],
    ),
    "narrower alone, used": ("{narrower: [a], use: [narrower]}", {"a": [1, 0, 2]}, [1, OPEN, OPEN]),
    "near alone": ("{near: [a]}", {"a": [1, 0]}, None),
    "broader alone": ("{broader: [a]}", {"a": [1, 0]}, None),
    "narrower alone": ("{narrower: [a]}", {"a": [1, 0]}, None),
    "partial alone": ("{partial: [a]}", {"a": [1, 0]}, None),
    "another thing of the same name": ("{}", {"X": [1, 0]}, None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_follows_from_a_relation(space, case):
    related, marks, expected = CASES[case]
    mine = space(f"classes: [X, Y]\nrelations: {{other: {{X: {related}}}}}")
    found = map_marks(marks_of(**marks, Y=[0] * len(next(iter(marks.values())))), mine, "other")
    if expected is None:
        assert list(found.marks) == ["Y"]
    else:
        assert found.marks["X"].tolist() == expected
    assert list(map_marks(marks_of(**marks, Y=[0] * len(next(iter(marks.values())))), mine).marks) == (
        ["X", "Y"] if "X" in marks else ["Y"]
    )  # of names of no label space relations say nothing


def test_a_class_that_excludes_others_is_absent_beside_them_where_nothing_else_tells(space):
    relations = "relations: {other: {Normal: {narrower: [n], use: [narrower]}}}"
    mine = space(f"classes: [Normal, Mass, Tube]\nnormal: {{Normal: [Tube]}}\n{relations}")
    found = map_marks(marks_of(n=[1, 0, 0, 0], Mass=[0, 1, 0, 0], Tube=[0, 0, 1, 0]), mine, "other")
    assert found.marks["Normal"].tolist() == [1, 0, OPEN, OPEN]
    plain = map_marks(marks_of(Normal=[2, 2], Mass=[1, 0], Tube=[0, 0]), mine)
    assert plain.marks["Normal"].tolist() == [BLANK, BLANK]  # named itself: it stays as the source has it


def test_other_years_and_data_sets_are_read_by_name_and_what_is_only_near_is_unknown(tmp_path):
    row = mimic_row("a", No_Finding="1"), mimic_row("b", Fracture="1"), mimic_row("c", Tortuous_Aorta="1")
    path = write(tmp_path / "a.csv", MIMIC_HEADER, *row)
    found = read_source("mimic", path, options("cxrlt2024"))
    assert len(found.known) == 25 and "Normal" not in found.known and list(found.unread) == []
    assert found.related["Normal"] == {"near": {"No Finding": 1}}
    assert found.related["Rib Fracture"] == {"broader": {"Fracture": 1}}
    assert (found.table[["Normal", "Rib Fracture", "Kyphosis"]] == -1).all(axis=None)
    assert found.table["Fracture"].tolist() == [0, 1, 0]
    latest = read_source("mimic", path, options("cxrlt2026"))
    assert latest.table["fracture"].tolist() == [0, 1, 0] and "aortic elongation" not in latest.known
    assert latest.unread["Edema"] == 0 and "Lung Lesion" in latest.unread


def test_a_file_of_2024_is_known_by_its_columns(tmp_path):
    classes = read_label_space("cxrlt2024").classes
    row = "1,1,1,PA,,files/p10/1.jpg," + ",".join("1" if c == "Tuberculosis" else "0" for c in classes[::-1])
    path = write(tmp_path / "a.csv", ",".join([MIMIC_META, *classes[::-1]]), row)
    found = read_source("mimic", path, options("cxrlt2024"))
    assert found.known == tuple(classes)
    assert found.table[classes].iloc[0].to_dict() == {c: int(c == "Tuberculosis") for c in classes}
    other = read_source("mimic", path, options("cxrlt2023"))
    assert len(other.known) == 25 and other.related["No Finding"] == {"near": {"Normal": 0}}


def test_blank_is_negative_in_chexpert_whatever_classes_a_study_has(tmp_path, space):
    space("classes: [Air, Big heart]\naliases: {Air: [Pneumothorax], Big heart: [cardiomegaly]}")
    rows = (
        chexpert_row(f"{tmp_path.name}/patient00001/study1/a.jpg", Edema="1.0"),
        chexpert_row("train/patient00002/study1/a.jpg", Cardiomegaly="-1.0"),
    )
    path = write(tmp_path / "train.csv", CHEXPERT_HEADER, *rows, chexpert_row("patient00003/study1/a.jpg"))
    how = options(str(tmp_path / "mine.yaml"), uncertain={"default": "ignore", "Big heart": "one"})
    found = read_source("chexpert", path, how)
    assert found.table[["Air", "Big heart"]].to_numpy().tolist() == [[0, 0], [0, 1]]
    assert found.dropped == {"train.csv: no label": 1} and found.unread["Edema"] == 1


def test_two_sources_of_one_reader_share_no_id(tmp_path):
    path = write(tmp_path / "a.csv", NIH_HEADER, nih_row("a.png", "Effusion"))
    ids = {read_source(name, path, options("nih14"), "nih").table["image_id"].item() for name in ("a", "b")}
    assert ids == {"a/a.png", "b/a.png"}
    assert read_source("nih", path, options("nih14")).known[2] == "Effusion"
