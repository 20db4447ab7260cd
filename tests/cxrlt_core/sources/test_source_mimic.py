import pytest
from label_files import MIMIC_HEADER, MIMIC_META, mimic_row, write
from naive_reader import assert_same, read_mimic

from cxrlt_core.labels import CLASSES
from cxrlt_core.sources import Options, read_source
from cxrlt_core.system.errors import StudyError

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
]
DEV = [mimic_row("j", "10000935", "50578979", Mass="1")]
TEST = [mimic_row("k", "10000980", "50985099", Pneumonia="1")]


def read(path, uncertain="ignore"):
    return read_source("mimic", path, Options(uncertain={"default": uncertain}))


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
    assert found.known == CLASSES
    assert found.dropped == {}
    assert found.uncertain == dict.fromkeys(CLASSES, 0)
    assert found.official == files and found.unused is None


def test_ids_carry_the_source(tmp_path):
    row = read(write(tmp_path / "a.csv", MIMIC_HEADER, *TRAIN)).table.iloc[0]
    assert row["image_id"] == "mimic/files/p10/p10000032/s50414267/a.jpg"
    assert row["patient_id"] == "mimic/10000032"
    assert row["study_id"] == "mimic/50414267"


def test_ids_with_letter_are_the_same(tmp_path):
    rows = [TRAIN[0].replace("a,10000032,50414267", "a,p10000032,s50414267")]
    row = read(write(tmp_path / "a.csv", MIMIC_HEADER, *rows)).table.iloc[0]
    assert (row["patient_id"], row["study_id"]) == ("mimic/10000032", "mimic/50414267")


def test_views(tmp_path):
    table = read(write(tmp_path / "a.csv", MIMIC_HEADER, *TRAIN)).table
    expected = ["PA", "AP", "LATERAL", "LATERAL", "PA", "AP", "LATERAL", "OTHER", "OTHER"]
    assert list(table["view"]) == expected


@pytest.mark.parametrize(
    "prefix", ["files/", "", "physionet.org/files/mimic-cxr-jpg/2.0.0/files/", "mimic/files/"]
)
def test_paths_begin_at_files(tmp_path, prefix):
    row = mimic_row(path=f"{prefix}p10/p10000032/s50414267/a.jpg")
    table = read(write(tmp_path / "a.csv", MIMIC_HEADER, row)).table
    assert table["path"].item() == "files/p10/p10000032/s50414267/a.jpg"


def test_path_column_may_be_called_path(tmp_path):
    plain = write(tmp_path / "a.csv", MIMIC_HEADER, *TRAIN)
    renamed = write(tmp_path / "b.csv", MIMIC_HEADER.replace("fpath", "path"), *TRAIN)
    assert_same(read(renamed).table, read_mimic(plain))


def test_columns_are_found_by_name(tmp_path):
    plain = write(tmp_path / "a.csv", MIMIC_HEADER, *TRAIN)
    lines = [line.split(",") for line in [MIMIC_HEADER, *TRAIN]]
    mirrored = write(tmp_path / "b.csv", *(",".join([*line[::-1], "more"]) for line in lines))
    assert_same(read(mirrored).table, read_mimic(plain))


def test_one_file_has_no_split(tmp_path):
    path = write(tmp_path / "labels.csv.gz", MIMIC_HEADER, *TRAIN)
    assert read(path).table["split"].isna().all()


@pytest.mark.parametrize("name", ["development.csv.gz", "dev.csv", "dev.csv.gz"])
def test_other_names_of_development(tmp_path, name):
    write(tmp_path / "train.csv.gz", MIMIC_HEADER, *TRAIN)
    write(tmp_path / name, MIMIC_HEADER, *DEV)
    write(tmp_path / "test.csv", MIMIC_HEADER, *TEST)
    assert list(read(tmp_path).table["split"]) == ["train"] * 9 + ["dev", "test"]


@pytest.mark.parametrize("columns", [True, False])
def test_unlabelled_development_and_test_give_no_rows(tmp_path, columns):
    write_release(tmp_path, without_labels(DEV), without_labels(TEST))
    if not columns:
        write(tmp_path / "development.csv", MIMIC_META, *(",".join(r.split(",")[:6]) for r in DEV))
    found = read(tmp_path)
    assert len(found.table) == len(TRAIN)
    assert found.table["split"].isna().all()
    assert found.dropped == {"development.csv: no label": 1, "test.csv: no label": 1}


def test_one_unlabelled_file_switches_the_official_split_off(tmp_path):
    write_release(tmp_path, test=without_labels(TEST))
    found = read(tmp_path)
    assert len(found.table) == len(TRAIN) + len(DEV)
    assert found.table["split"].isna().all()
    assert found.dropped == {"test.csv: no label": 1}
    assert found.official == {}
    assert found.unused == "development.csv is carved anew, for test.csv has no labels"


@pytest.mark.parametrize("name", ["dev_labels.csv", "validation.csv.gz"])
def test_a_split_under_another_name_is_refused(tmp_path, name):
    write_release(tmp_path)
    write(tmp_path / name, MIMIC_HEADER, *DEV)
    assert len(read(tmp_path).table) == 11  # whole without it
    (tmp_path / "development.csv").unlink()
    with pytest.raises(StudyError, match=rf"no development\.csv, yet {name}: rename or remove it"):
        read(tmp_path)


@pytest.mark.parametrize("names", [("train.csv", "train.csv.gz"), ("development.csv", "dev.csv")])
def test_two_files_for_one_split_are_refused(tmp_path, names):
    write_release(tmp_path)
    write(tmp_path / names[1], MIMIC_HEADER, *DEV)
    with pytest.raises(StudyError, match=f"expected one file, found {' and '.join(names)}$"):
        read(tmp_path)


def test_train_alone(tmp_path):
    write(tmp_path / "train.csv", MIMIC_HEADER, *TRAIN)
    found = read(tmp_path)
    assert len(found.table) == len(TRAIN)
    assert found.table["split"].isna().all()


def test_blank_cells_are_unknown_and_uncertain_ones_follow_the_policy(tmp_path):
    path = write(tmp_path / "a.csv", MIMIC_HEADER, mimic_row(Edema="", Mass="-1"), *DEV)
    found = read(path)
    assert list(found.table["Edema"]) == [-1, 0]
    assert list(found.table["Mass"]) == [-1, 1]
    assert found.uncertain["Mass"] == 1
    assert list(read(path, "one").table["Mass"]) == [1, 1]
    assert list(read(path, "one").table["Edema"]) == [-1, 0]


def test_blank_row_in_a_labelled_file_is_dropped(tmp_path):
    path = write(tmp_path / "a.csv", MIMIC_HEADER, *without_labels(DEV), *TEST)
    found = read(path)
    assert list(found.table["patient_id"]) == ["mimic/10000980"]
    assert found.dropped == {"a.csv: no label": 1}


def test_image_in_two_files(tmp_path):
    write_release(tmp_path, test=[TRAIN[0]])
    with pytest.raises(StudyError, match=r"test\.csv: row 2: image 'files/.*a\.jpg' is there twice"):
        read(tmp_path)


def test_no_labels_at_all(tmp_path):
    path = write(tmp_path / "a.csv", MIMIC_HEADER, *without_labels(TRAIN))
    with pytest.raises(StudyError, match=r"a\.csv: no labelled row"):
        read(path)


def test_folder_without_train(tmp_path):
    with pytest.raises(StudyError, match=r"expected train\.csv or train\.csv\.gz in this folder"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("column", "row"),
    [
        ("subject_id", mimic_row(subject="10000032.0", path="files/z.jpg")),
        ("study_id", mimic_row(study="50414267.0", path="files/z.jpg")),
        ("study_id", mimic_row(study="", path="files/z.jpg")),
    ],
)
def test_id_that_is_no_number(tmp_path, column, row):
    path = write(tmp_path / "a.csv", MIMIC_HEADER, TRAIN[0], row)
    with pytest.raises(StudyError, match=rf"row 3: {column}: expected a number, found"):
        read(path)


@pytest.mark.parametrize(
    "column", ["subject_id", "study_id", "ViewPosition", "ViewCodeSequence_CodeMeaning", "Hernia"]
)
def test_missing_column(tmp_path, column):
    path = write(tmp_path / "a.csv", MIMIC_HEADER.replace(column, "other"), *TRAIN)
    with pytest.raises(StudyError, match=rf"a\.csv: missing column '{column}'$"):
        read(path)


def test_test_list_is_refused(tmp_path):
    path = write(tmp_path / "a.csv", MIMIC_HEADER, *TRAIN)
    with pytest.raises(StudyError, match=r"data\.sources\.mimic\.test_list: only nih has one"):
        read_source("mimic", path, Options(path))
