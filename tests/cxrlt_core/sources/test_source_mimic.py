import pandas as pd
import pytest
from label_files import MIMIC_HEADER, MIMIC_META, mimic_row, options, write
from naive_reader import assert_same, read_mimic

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import read_source

TRAIN = [
    mimic_row("a", view="PA", Edema="1"),
    mimic_row("b", view="AP", No_Finding="1", Support_Devices="1"),
    mimic_row("c", "10000764", "57375967", "LATERAL", "lateral", Tortuous_Aorta="1"),
    mimic_row("d", "10000764", "57375967", "LL", Fracture="1.0", Hernia="0.0"),
    mimic_row("e", "10000764", "57375967", "", "postero-anterior"),
    mimic_row("f", "10000764", "57375967", "", "antero-posterior"),
    mimic_row("g", "10000764", "57375967", "", "lateral"),
    mimic_row("h", "10000764", "57375967", "", ""),
    mimic_row("i", "10000764", "57375967", "AP AXIAL", "antero-posterior"),
    mimic_row("l", "10000764", "57375967", "AP LLD"),
    mimic_row("m", "10000764", "57375967", "PA RLD"),
    mimic_row("n", "10000764", "57375967", "XTABLE LATERAL"),
    mimic_row("o", "10000764", "57375967", "SWIMMERS", "lateral"),
    mimic_row("p", "10000764", "57375967", "LAO"),
]
DEV = [mimic_row("j", "10000935", "50578979", Mass="1")]
TEST = [mimic_row("k", "10000980", "50985099", Pneumonia="1")]


def read(path, uncertain="ignore"):
    return read_source("mimic", path, options(uncertain={"default": uncertain}))


def write_release(folder, development=DEV, test=TEST):
    write(folder / "train.csv", MIMIC_HEADER, *TRAIN)
    write(folder / "development.csv", MIMIC_HEADER, *development)
    write(folder / "test.csv", MIMIC_HEADER, *test)


def without_labels(rows):
    return [",".join(row.split(",")[:6]) + "," * len(CLASSES) for row in rows]


def test_reads_every_row_as_the_naive_reader_does(tmp_path):
    write_release(tmp_path)
    found = read(tmp_path)
    files = {"train": "train.csv", "dev": "development.csv", "test": "test.csv"}
    rows = [row for split, name in files.items() for row in read_mimic(tmp_path / name, split)]
    assert_same(found.table, rows)
    assert found.known == CLASSES and not found.unread and not found.related
    assert found.dropped == {}
    assert found.uncertain == dict.fromkeys(CLASSES, 0)
    assert found.official == files and found.unused is None


@pytest.mark.parametrize("ids", ["a,10000032,50414267", "a,p10000032,s50414267"])
@pytest.mark.parametrize(
    "prefix", ["files/", "", "physionet.org/files/mimic-cxr-jpg/2.0.0/files/", "mimic/files/"]
)
def test_ids_carry_the_source_and_paths_begin_at_files(tmp_path, ids, prefix):
    row = mimic_row(path=f"{prefix}p10/p10000032/s50414267/a.jpg").replace("a,10000032,50414267", ids)
    row = read(write(tmp_path / "a.csv", MIMIC_HEADER, row)).table.iloc[0]
    assert row["path"] == "files/p10/p10000032/s50414267/a.jpg"
    assert row["image_id"] == "mimic/files/p10/p10000032/s50414267/a.jpg"
    assert (row["patient_id"], row["study_id"]) == ("mimic/10000032", "mimic/50414267")


@pytest.mark.parametrize("path_column", ["fpath", "path"])
def test_columns_are_found_by_name(tmp_path, path_column):
    plain = write(tmp_path / "a.csv", MIMIC_HEADER, *TRAIN)
    lines = [line.split(",") for line in [MIMIC_HEADER.replace("fpath", path_column), *TRAIN]]
    mirrored = write(tmp_path / "b.csv", *(",".join([*line[::-1], "more"]) for line in lines))
    assert_same(read(mirrored).table, read_mimic(plain))


@pytest.mark.parametrize("name", ["development.csv.gz", "dev.csv", "dev.csv.gz"])
def test_other_names_of_development(tmp_path, name):
    write(tmp_path / "train.csv.gz", MIMIC_HEADER, *TRAIN)
    write(tmp_path / name, MIMIC_HEADER, *DEV)
    write(tmp_path / "test.csv", MIMIC_HEADER, *TEST)
    assert list(read(tmp_path).table["split"]) == ["train"] * 14 + ["dev", "test"]


SECOND = read_label_space("cxrlt2024")
TASK_2 = [name if name != "No Finding" else "Normal" for name in CLASSES]


def row_2024(dicom, patient, names, found, view="PA", split=""):
    marks = ["1" if name == found else "0" for name in names]
    path = f"files/p{patient[:2]}/p{patient}/s5{patient}/{dicom}.jpg"
    meta = [dicom, patient, f"s5{patient}", view, "", path]
    return ",".join([*meta, *marks, *([split] if split else [])])


def write_2024(folder):
    """Write the files of the three tasks, in an order of their own, and all labels in one file."""
    alls = sorted([*SECOND.classes, *SECOND.unseen])
    lists = {1: SECOND.classes[::-1], 2: TASK_2, 3: SECOND.unseen}
    rows = [row_2024("a", "10000032", alls[::-1], "Kyphosis", split="train")]
    train = row_2024("a", "10000032", SECOND.classes, "Kyphosis")
    write(folder / "train_labeled.csv", ",".join([MIMIC_META, *SECOND.classes]), train)
    for number, (task, names) in enumerate(lists.items()):
        for split, patient in (("development", f"1100000{number}"), ("test", f"1200000{number}")):
            found, view = names[-1], "XTABLE LATERAL" if task == 1 else "AP LLD"
            row = row_2024(f"{split[0]}{task}", patient, names, found, view)
            write(folder / f"{split}_labeled_task{task}.csv", ",".join([MIMIC_META, *names]), row)
            rows.append(row_2024(f"{split[0]}{task}", patient, alls[::-1], found, view, split))
    write(folder / "labels.csv", ",".join([MIMIC_META, *alls[::-1], "split"]), *rows)


@pytest.mark.parametrize(("task", "known"), [(1, SECOND.classes), (2, TASK_2)])
def test_a_task_of_2024_is_read_by_the_names_of_its_columns(tmp_path, task, known):
    write_2024(tmp_path)
    found = read_source("mimic", tmp_path, options("cxrlt2024", own={} if task == 1 else {"task": task}))
    assert found.known == tuple(SECOND.classes) and not found.unread and not found.related
    table = found.table.set_index("split")
    names = {"train": "Kyphosis"} | dict.fromkeys(("dev", "test"), (known[0] if task == 1 else known[-1]))
    for split, name in names.items():
        of_set = SECOND.classes if split == "train" else known
        expected = {c: int(c == name) if c in of_set else -1 for c in SECOND.classes}
        assert table.loc[split, SECOND.classes].to_dict() == expected
    assert table["view"].to_dict() == {
        "train": "PA",
        **dict.fromkeys(("dev", "test"), "LATERAL" if task == 1 else "AP"),
    }
    assert found.official["dev"] == f"development_labeled_task{task}.csv" and len(found.official) == 3


def test_all_labels_of_2024_lie_in_one_file_too_with_the_sets(tmp_path):
    write_2024(tmp_path)
    found = read_source("mimic", tmp_path / "labels.csv", options("cxrlt2024"))
    assert found.table["split"].tolist() == ["train", *["dev", "test"] * 3]
    assert found.official == dict.fromkeys(("train", "dev", "test"), "labels.csv")
    assert found.table["Kyphosis"].tolist() == [1] + [0] * 6
    assert found.unread == dict.fromkeys(SECOND.unseen, 0) | {"Scoliosis": 2}
    task = read_source("mimic", tmp_path, options("cxrlt2024")).table
    pd.testing.assert_frame_equal(found.table.head(3), task)


BOTH = ("development", "test")


@pytest.mark.parametrize(("unlabelled", "columns"), [(BOTH, False), (BOTH, True), (("test",), True)])
def test_an_unlabelled_file_gives_no_rows_and_switches_the_official_split_off(tmp_path, unlabelled, columns):
    write_release(tmp_path)
    for name, rows in (("development", DEV), ("test", TEST)):
        if name in unlabelled and columns:
            write(tmp_path / f"{name}.csv", MIMIC_HEADER, *without_labels(rows))
        elif name in unlabelled:
            write(tmp_path / f"{name}.csv", MIMIC_META, *(",".join(row.split(",")[:6]) for row in rows))
    found = read(tmp_path)
    assert len(found.table) == len(TRAIN) + 2 - len(unlabelled)
    assert found.table["split"].isna().all() and found.official == {}
    assert found.dropped == {f"{name}.csv: no label": 1 for name in unlabelled}
    carved = "development.csv is carved anew, for test.csv has no labels"
    assert found.unused == (None if "development" in unlabelled else carved)


def test_a_further_file_changes_nothing_and_training_data_alone_have_no_split(tmp_path):
    write_release(tmp_path)
    write(tmp_path / "validation.csv.gz", MIMIC_HEADER, *DEV)
    assert len(read(tmp_path).table) == 16
    for name in ("development.csv", "test.csv", "validation.csv.gz"):
        (tmp_path / name).unlink()
    assert read(tmp_path).table["split"].isna().all()


def test_blank_cells_are_unknown_and_uncertain_ones_follow_the_policy(tmp_path):
    path = write(
        tmp_path / "a.csv", MIMIC_HEADER, mimic_row(Edema="", Mass="-1"), *DEV, *without_labels(TEST)
    )
    found = read(path)
    assert found.dropped == {"a.csv: no label": 1}
    assert list(found.table["Edema"]) == [-1, 0]
    assert list(found.table["Mass"]) == [-1, 1]
    assert found.uncertain["Mass"] == 1
    assert read(path, "one").table[["Mass", "Edema"]].to_numpy().tolist() == [[1, -1], [1, 0]]
