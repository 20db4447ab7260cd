import numpy as np
import pytest
from label_files import NIH_HEADER, nih_row, options, write
from naive_reader import NIH_KNOWN, assert_same, read_nih

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import read_source

ROWS = [
    nih_row("00000001_000.png", "Cardiomegaly"),
    nih_row("00000001_001.png", "Effusion|Cardiomegaly"),
    nih_row("00000002_000.png", "Pleural_Thickening|Hernia|Mass", "2", "AP"),
    nih_row("00000003_004.png", "No Finding", "3", ""),
]


def read(path, test_list=None):
    return read_source("nih", path, options(test_list=test_list))


def test_reads_every_row_as_the_naive_reader_does(tmp_path):
    path = write(tmp_path / "Data_Entry_2017_v2020.csv", NIH_HEADER, *ROWS)
    found = read(path)
    assert_same(found.table, read_nih(path))
    assert found.dropped == {}
    assert found.known == tuple(name for name in CLASSES if name in NIH_KNOWN)
    assert found.uncertain == dict.fromkeys(found.known, 0)


QUOTED = NIH_HEADER.replace("OriginalImage[Width,Height]", '"OriginalImage[Width,Height]"')
OLD = [row.replace(",57,", ",057Y,").replace(",0,1,", ",000,00000001,") + "," for row in ROWS]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (NIH_HEADER + ",", OLD),  # of 2017: trailing commas and padded ids
        (NIH_HEADER, [row + "," for row in ROWS]),
        (NIH_HEADER + ",", ROWS),
        (QUOTED, ROWS),
        ("\ufeff" + NIH_HEADER, ROWS),
        (NIH_HEADER.replace("Follow-up #", '"Follow-up\n#"'), ROWS),
        ("\n" + NIH_HEADER, ["", *ROWS, "", ""]),
    ],
)
@pytest.mark.parametrize(("name", "newline"), [("b.csv", "\n"), ("b.csv.gz", "\r\n")])
def test_releases_that_are_written_otherwise(tmp_path, header, rows, name, newline):
    plain = write(tmp_path / "a.csv", NIH_HEADER, *ROWS)
    assert_same(read(write(tmp_path / name, header, *rows, newline=newline)).table, read_nih(plain))


def test_test_list_splits_test_from_train(tmp_path):
    path = write(tmp_path / "a.csv", NIH_HEADER, *ROWS)
    listed = write(tmp_path / "list.txt", "00000001_001.png", "", "99999999_000.png", newline="\r\n")
    assert_same(read(path, listed).table, read_nih(path, {"00000001_001.png"}))


@pytest.mark.parametrize("name", ["test_list.txt", "test_list_NIH.txt"])
def test_folder_brings_its_own_test_list(tmp_path, name):
    write(tmp_path / "Data_Entry_2017_v2020.csv", NIH_HEADER, *ROWS)
    assert read(tmp_path).table["split"].isna().all()
    write(tmp_path / name, "00000003_004.png")
    found = read(tmp_path)
    assert list(found.table["split"]) == ["train", "train", "train", "test"]
    assert found.official == {"test": name}
    listed = write(tmp_path / "other.txt", "00000001_000.png")
    assert list(read(tmp_path, listed).table["split"]) == ["test", "train", "train", "train"]


def test_any_rows_against_the_naive_reader(tmp_path):
    rng = np.random.default_rng(0)
    names = np.array(read_label_space("nih14").groups["findings"])
    combinations = ["|".join(rng.permutation(names)[: rng.integers(1, 5)]) for _ in range(799)]
    combinations.append("No Finding")
    draws = rng.integers(800, size=5_000)
    rows = [
        nih_row(f"{i // 4:08d}_{i % 4:03d}.png", combinations[draw], str(i // 4), ("PA", "AP")[i % 2])
        for i, draw in enumerate(draws)
    ]
    path = write(tmp_path / "a.csv", NIH_HEADER, *rows)
    assert_same(read(path).table, read_nih(path))


PEOPLE = {("058Y", "M"): (58, "M"), ("013M", "f "): (13 / 12, "F"), ("004D", "F"): (4 / 365.25, "F")}
PEOPLE |= {("411", "M"): (None, "M"), ("", "2"): (None, ""), ("0", "female"): (0, "F"), ("x", ""): (None, "")}


def test_sex_and_age_of_every_release_and_what_is_no_age_is_unknown(tmp_path):
    rows = [nih_row(f"{n}.png", age=age, sex=sex) for n, (age, sex) in enumerate(PEOPLE)]
    table = read(write(tmp_path / "a.csv", NIH_HEADER, *rows)).table
    assert list(table.columns[5:8]) == ["split", "sex", "age"]
    ages, sexes = zip(*PEOPLE.values(), strict=True)
    np.testing.assert_allclose(table["age"], np.array(ages, float))
    assert tuple(table["sex"]) == sexes
