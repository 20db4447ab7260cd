import numpy as np
import pytest
from label_files import NIH_HEADER, nih_row, options, write
from naive_reader import rows_of

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import find_reader, read_source

FOUR = ["Fracture", "Pneumothorax", "Airspace opacity", "Nodule or mass"]
FINDINGS = read_label_space("nih14").groups["findings"]
FOUR_HEADER = ",".join([NIH_HEADER, *FOUR])
ALL_HEADER = ",".join(["Image ID", "Patient ID", "Abnormal", *FINDINGS, "Other"]).replace("l_T", "l T")


def four(image, *yes, view="PA", patient="1", of=""):
    """A row, which repeats what NIH says of the image."""
    marks = ["YES" if name in yes else "NO" for name in FOUR]
    return ",".join([nih_row(image, "Hernia", patient, view), *marks, *([of] if of else [])])


def read(path, space="nih_expert"):
    return read_source("nih_expert", path, options(space))


def test_four_findings_as_the_naive_reader_finds_them(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        four(f"{i:08d}_000.png", *rng.choice(FOUR, 2), view="AP" if i % 2 else "PA", patient=str(i))
        for i in range(50)
    ]
    path = write(tmp_path / "four_findings_expert_labels_test_labels.csv", FOUR_HEADER, *rows)
    found = read(path)
    expected = list(rows_of(path))
    assert found.table["path"].tolist() == [row["Image Index"] for row in expected]
    assert found.table["patient_id"].tolist() == [f"nih_expert/{row['Patient ID']}" for row in expected]
    assert found.table["view"].tolist() == [row["View Position"] for row in expected]
    assert found.table[FOUR].to_numpy().tolist() == [[int(row[n] == "YES") for n in FOUR] for row in expected]
    assert found.table["split"].isna().all() and not found.dropped
    study = read(path, "cxrlt2023")
    assert study.known == ("Fracture", "Pneumothorax") and "Nodule" in study.related


def test_sets_are_those_of_a_folder_or_of_a_column(tmp_path):
    rows = [four("1.png"), four("2.png", "Fracture")]
    for name, row in zip(("validation", "test"), rows, strict=True):
        write(tmp_path / f"four_findings_expert_labels_{name}_labels.csv", FOUR_HEADER, row)
    write(tmp_path / "four_findings_expert_labels_individual_readers.csv", "Reader ID,Image ID", "1,1.png")
    found = read(tmp_path)
    assert found.table["split"].tolist() == ["dev", "test"]
    assert found.official["test"] == "four_findings_expert_labels_test_labels.csv"
    rows = [four("1.png", of="val"), four("2.png", of="test")]
    both = write(tmp_path / "both.csv", f"{FOUR_HEADER},Set Id", *rows)
    found = read(both)
    assert found.table["split"].tolist() == ["dev", "test"]
    assert found.official == dict.fromkeys(["dev", "test"], "both.csv")


@pytest.mark.parametrize("yes", ["YES", "1"])
def test_all_findings_and_no_finding_where_nothing_else_is_abnormal(tmp_path, yes):
    def row(image, abnormal, *found):
        no = "NO" if yes == "YES" else "0"
        marks = [yes if name in found else no for name in [*FINDINGS, "Other"]]
        return ",".join([image, "00000007", yes if abnormal else no, *marks])

    rows = [
        row("a.png", False),
        row("b.png", True, "Pleural_Thickening", "Mass"),
        row("c.png", True, "Other"),
    ]
    path = write(tmp_path / "all_findings_expert_labels_test_labels.csv", ALL_HEADER, *rows)
    found = read(path, "nih14")
    assert found.table["No Finding"].tolist() == [1, 0, -1]
    assert found.table["Pleural_Thickening"].tolist() == [0, 1, 0] and found.known[-1] == "No Finding"
    assert found.table[FINDINGS].sum().sum() == 2 and set(found.table["view"]) == {"PA"}
    assert read(path, "cxrlt2023").table["Pleural Thickening"].tolist() == [0, 1, 0]
    assert found.table["patient_id"].tolist() == ["nih_expert/7"] * 3


def test_its_images_are_those_of_nih():
    assert find_reader("nih_expert").IMAGE_FOLDERS == find_reader("nih").IMAGE_FOLDERS


def test_sex_and_age_are_those_that_the_file_repeats(tmp_path):
    table = read(write(tmp_path / "a.csv", FOUR_HEADER, four("1.png"))).table
    assert (table["sex"].item(), table["age"].item()) == ("M", 57)
