import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from label_files import CHEXPERT_HEADER, NIH_HEADER, chexpert_row, nih_row, options, write
from settings import usual

from cxrlt_core.label_space import read_label_space
from cxrlt_core.params.schema import Source
from cxrlt_core.sources import read_source
from cxrlt_core.system.files import read_json, read_parquet
from stages import harmonize

ROWS = [
    chexpert_row("train/patient00001/study1/a.jpg", Edema="1.0", Mass=""),
    chexpert_row("train/patient00001/study2/a.jpg", Edema="-1.0"),
    chexpert_row("train/patient00002/study1/a.jpg"),
]


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.csv", CHEXPERT_HEADER, *ROWS)
    sources = {"chexpert": usual(Source, labels="train.csv", images="images", uncertain="one")}
    space = read_label_space("cxrlt2023")
    return SimpleNamespace(data=SimpleNamespace(sources=sources, external={}), label_space=space)


def test_writes_the_table_as_the_reader_gives_it(params, tmp_path):
    """And beside it the counts."""
    harmonize.main(params, "chexpert")
    expected = read_source("chexpert", tmp_path / "train.csv", options(uncertain={"default": "one"})).table
    pd.testing.assert_frame_equal(read_parquet("data/labels/chexpert.parquet"), expected)
    assert expected["Edema"].tolist() == [1, 1]
    counts = json.loads((tmp_path / "data/labels/chexpert.json").read_text())
    names = ["rows", "images", "patients", "studies", "views", "classes"]
    assert list(counts) == [*names, "dropped", "official", "unused", "unread", "known", "related"]
    assert [counts[name] for name in names[:4]] == [3, 2, 1, 2]
    assert counts["dropped"] == {"train.csv: no label": 1}
    assert len(counts["known"]) == 14 and len(counts["classes"]) == 26
    assert counts["classes"]["Edema"] == {"positive": 2, "negative": 0, "unknown": 0, "uncertain": 1}
    assert counts["classes"]["Hernia"] == {"positive": 0, "negative": 0, "unknown": 2, "uncertain": 0}


def test_labels_that_no_class_is_read_from_are_told_and_counted(params, tmp_path, capsys):
    rows = [f"{row},{mark}" for row, mark in zip(ROWS, ("1.0", "-1.0", ""), strict=True)]
    write(tmp_path / "train.csv", f"{CHEXPERT_HEADER},Scoliosis", *rows)
    harmonize.main(params, "chexpert")
    said = capsys.readouterr().out
    assert "chexpert: labels of no class, left out: Scoliosis\n" in said
    assert "chexpert: classes that it does not know, so unknown: Calcification of the Aorta," in said
    assert read_json("data/labels/chexpert.json")["unread"] == {"Scoliosis": 1}
    assert "Scoliosis" not in read_parquet("data/labels/chexpert.parquet")


@pytest.mark.parametrize(("labels", "noticed"), [("nih", True), ("nih/Data_Entry_2017.csv", False)])
def test_a_test_list_that_dvc_does_not_watch_is_told(params, tmp_path, capsys, labels, noticed):
    """DVC watches what ``labels`` names."""
    write(tmp_path / "nih/Data_Entry_2017.csv", NIH_HEADER, nih_row("1.png"), nih_row("2.png"))
    write(tmp_path / "nih/test_list.txt", "1.png")
    source = usual(Source, labels=labels, images="images", test_list="nih/test_list.txt")
    params.data.sources["nih"] = source
    harmonize.main(params, "nih")
    assert ("goes unnoticed" not in capsys.readouterr().out) == noticed
    assert read_parquet("data/labels/nih.parquet")["split"].tolist() == ["test", "train"]


def test_keys_of_a_reader_reach_it(params):
    names = read_label_space("vindr").classes
    rows = [f"a,R{n}," + ",".join(str(int(n == 1 and name == "Edema")) for name in names) for n in range(3)]
    write(Path("vindr.csv"), ",".join(["image_id", "rad_id", *names]), *rows)
    for own, label in (({}, 0), ({"readers": 0.3}, 1)):
        params.data.sources["mine"] = usual(Source, reader="vindr", labels="vindr.csv", own=own)
        harmonize.main(params, "mine")
        assert read_parquet("data/labels/mine.parquet")["Edema"].tolist() == [label]
