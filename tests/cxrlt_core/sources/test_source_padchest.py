import time
from pathlib import Path

import numpy as np
import pytest
from label_files import PADCHEST_HEADER, options, padchest_row, write
from naive_reader import RULES, assert_same, read_padchest

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.packing.files import find_files
from cxrlt_core.sources import find_reader, read_source
from cxrlt_core.sources.padchest import IMAGE_FOLDERS, INCOMPLETE

LINES = Path(__file__).with_name("padchest_findings.txt").read_text().splitlines()
FINDINGS = [line.split(":")[0] for line in LINES]

LISTS = [
    "['normal']",
    "['aortic elongation', ' descendent aortic elongation', 'scoliosis']",  # two findings of one class
    "['hydropneumothorax']",  # one finding of two classes
    "[ ' pleural effusion ','NSG tube' ]",
    "['', 'cardiomegaly']",
    "['unchanged', 'pneumonia']",
    "['unchanged']",
    "['suboptimal study', 'exclude']",
    "['']",
    "[]",
    "nan",
    "",
    "['pacemaker', 'normal']",
    "['normal', 'pneumothorax']",
    "['normal', 'kyphosis']",
    "['normal', 'suboptimal study']",
    "['costophrenic angle blunting', 'COPD signs']",
    "['costophrenic angle blunting', 'pleural effusion']",  # what is positive is not left open
    "['kyphosis']",
]
VIEWS = ["PA", "L", "AP", "AP_horizontal", "COSTAL", "EXCLUDE", "UNK"]
ROWS = [
    padchest_row(labels, f"{i}_a.png", str(i // 3), f"{i // 2}-2", VIEWS[i % 7], "['C0034069'\n 'C0742362']")
    for i, labels in enumerate(LISTS)
]


def read(path, **own):
    return read_source("padchest", path, options(own=own))


@pytest.fixture
def labels_of(tmp_path):
    """Read one list of findings and return the labels that are known, class to 0 or 1."""

    def labels_of(*findings):
        normal = padchest_row(image="normal.png")
        path = write(tmp_path / "a.csv", PADCHEST_HEADER, padchest_row(f"{list(findings)}"), normal)
        labels = read(path).table[list(CLASSES)].iloc[0]
        return labels[labels != -1].to_dict()

    return labels_of


def positive(labels):
    return {name for name, label in labels.items() if label == 1}


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_reads_every_row_as_the_naive_reader_does(tmp_path, name):
    path = write(tmp_path / name, PADCHEST_HEADER, *ROWS)
    found = read(path)
    assert_same(found.table, read_padchest(path))
    left_out = dict.fromkeys(("projection COSTAL", "projection EXCLUDE", "projection UNK"), 2)
    left_out |= {"projection COSTAL": 3, "no label": 5}
    assert found.dropped == {f"{name}: {reason}": rows for reason, rows in left_out.items()}
    assert found.known == tuple(RULES)
    assert found.uncertain == dict.fromkeys(RULES, 0)


def test_rules_name_findings_of_padchest_once_each():
    assert len(set(FINDINGS)) == len(FINDINGS) == 193
    assert set(INCOMPLETE) <= {*FINDINGS, ""}
    for name, rule in RULES.items():
        names = rule.positive + rule.unknown
        assert set(names) <= set(FINDINGS), name
        assert len(set(names)) == len(names), name


@pytest.mark.parametrize("line", [line for line in LINES if ":" in line])
def test_finding_to_classes(labels_of, line):
    """The release's list of findings says for some what classes they are: ``finding: class + class``."""
    finding, classes = line.split(":")
    assert " + ".join(sorted(positive(labels_of(finding)))) == classes.strip()


@pytest.mark.parametrize(
    ("finding", "unknown"),
    [
        ("costophrenic angle blunting", {"Pleural Effusion", "Pleural Thickening"}),
        ("COPD signs", {"Emphysema"}),
        ("heart insufficiency", {"Edema"}),
        ("osteosynthesis material", {"Support Devices"}),
        ("vertebral compression", {"Fracture"}),
        ("scoliosis", set()),
    ],
)
def test_a_finding_that_may_go_with_a_class_leaves_it_open(labels_of, finding, unknown):
    labels = labels_of(finding)
    assert set(RULES) - set(labels) == unknown | {"No Finding"}
    assert not positive(labels)


@pytest.mark.parametrize("entry", ["unchanged", "exclude", "suboptimal study", "", " "])
def test_an_incomplete_list_gives_no_negative_but_what_a_positive_implies(labels_of, entry):
    assert labels_of("cardiomegaly", entry) == {"Cardiomegaly": 1, "No Finding": 0}
    assert labels_of(entry, "pacemaker") == {"Support Devices": 1}


@pytest.mark.parametrize(
    ("findings", "label"),
    [
        (["normal"], 1),
        (["normal", "pacemaker", "NSG tube"], 1),
        (["pacemaker"], None),
        (["normal", "pneumonia"], 0),
        (["pneumonia"], 0),
        (["pneumonia", "pacemaker"], 0),
        (["normal", "scoliosis"], None),
        (["scoliosis"], None),
        (["normal", "COPD signs"], None),
    ],
)
def test_no_finding(labels_of, findings, label):
    assert labels_of(*findings).get("No Finding") == label


def test_the_lists_of_physicians_and_grown_up_patients_alone(tmp_path):
    model = [padchest_row(image=f"{i}.png").replace(",Physician,", ",RNN_model,") for i in range(3)]
    model[0] = model[0].replace(",1930.0,", ",2010.0,")
    born = [padchest_row(image=f"born{year}.png").replace(",1930.0,", f",{year},") for year in ("1996.0", "")]
    born.append(padchest_row(image="born1997.png").replace(",1930.0,", ",1997.0,"))
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, padchest_row(), *model, *born)  # all taken in 2014
    assert len(read(path).table) == 7 and not read(path).dropped
    found = read(path, method="physician")
    assert len(found.table) == 4 and found.dropped == {"a.csv: not by a physician": 3}
    found = read(path, min_age=18, method="physician")
    assert found.table["path"].tolist() == ["10_a.png", "born1996.0.png"]
    assert found.dropped == {"a.csv: not by a physician": 3, "a.csv: not known to be 18 or older": 2}


def test_age_is_by_the_years_of_birth_and_study_and_unknown_where_they_cannot_be(tmp_path):
    rows = [
        padchest_row(image=f"{n}.png").replace(",1930.0,F,", f",{born},{sex},")  # all taken in 2014
        for n, (born, sex) in enumerate(
            [("1930.0", "M"), ("1996", "F"), ("", "O"), ("2015", ""), ("0", "None")]
        )
    ]
    table = read(write(tmp_path / "a.csv", PADCHEST_HEADER, *rows)).table
    np.testing.assert_array_equal(table["age"], [84, 18, np.nan, np.nan, np.nan])
    assert table["sex"].tolist() == ["M", "F", "", "", ""]


def test_what_is_not_listed_may_be_unknown_but_normal_says_that_nothing_is_there(tmp_path):
    lists = ["['pneumonia', 'pacemaker']", "['normal']", "['normal', 'pacemaker']", "['kyphosis']"]
    path = write(
        tmp_path / "a.csv", PADCHEST_HEADER, *(padchest_row(f, f"{i}.png") for i, f in enumerate(lists))
    )
    found = read_source("padchest", path, options("padchest", own={"blank": "unknown"}))
    names = ["pneumonia", "pacemaker", "normal", "mass"]
    assert found.table[names].to_numpy().tolist() == [
        [1, 1, -1, -1],
        [0, 0, 1, 0],
        [0, 1, 1, 0],
        [-1, -1, -1, -1],
    ]
    assert found.table["kyphosis"].tolist() == [-1, 0, 0, 1]


@pytest.mark.parametrize("folder", ["", "0", "54"])
def test_images_lie_in_one_folder_or_in_numbered_ones(tmp_path, folder):
    image = tmp_path / folder / "10_a.png"
    image.parent.mkdir(exist_ok=True)
    image.touch()
    (tmp_path / "54.zip").touch()
    table = read(write(tmp_path / "labels" / "a.csv", PADCHEST_HEADER, padchest_row())).table
    assert find_reader("padchest").IMAGE_FOLDERS == IMAGE_FOLDERS
    assert find_files(list(table["path"]), tmp_path, IMAGE_FOLDERS) == [str(image)]


def test_folder_with_the_label_file(tmp_path):
    name = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
    path = write(tmp_path / f"{name}.gz", PADCHEST_HEADER, *ROWS)
    assert_same(read(tmp_path).table, read_padchest(path))


def test_full_size_in_seconds_and_like_the_naive_reader(tmp_path):
    rng = np.random.default_rng(0)
    names = np.array([*FINDINGS, ""])
    lists = [str([str(name) for name in rng.choice(names, rng.integers(1, 7))]) for _ in range(29_000)]
    draws = rng.integers(len(lists), size=160_861)
    rows = [
        padchest_row(lists[draw], f"{i}.png", str(i // 3), str(i // 2), VIEWS[i % 7])
        for i, draw in enumerate(draws)
    ]
    path = write(tmp_path / "a.csv", PADCHEST_HEADER, *rows)
    start = time.perf_counter()
    table = read(path).table
    assert time.perf_counter() - start < 10  # about 2 s on an idle machine
    head = write(tmp_path / "head.csv", PADCHEST_HEADER, *rows[:5_000])  # the naive reader is slow
    expected = list(read_padchest(head))
    assert_same(table.head(len(expected)), expected)
