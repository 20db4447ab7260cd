import json
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from label_files import CHEXPERT_HEADER, NIH_HEADER, chexpert_row, nih_row, write
from settings import usual

from cxrlt_core.params.schema import Source
from cxrlt_core.sources import Options, read_source
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet
from stages import harmonize
from stages.artifacts import border

ROWS = [
    chexpert_row("train/patient00001/study1/a.jpg", Edema="1.0", Mass=""),
    chexpert_row("train/patient00001/study2/a.jpg", Edema="-1.0"),
    chexpert_row("train/patient00002/study1/a.jpg"),
]


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.csv", CHEXPERT_HEADER, *ROWS)
    sources = {
        "chexpert": usual(Source, labels="train.csv", images="images", uncertain="one"),
        "nih": usual(Source, labels="nowhere.csv", images="images"),
        "vindr": usual(Source, labels="train.csv", images="images"),
    }
    return SimpleNamespace(data=SimpleNamespace(sources=sources))


def test_writes_the_table_as_the_reader_gives_it(params, tmp_path):
    harmonize.main(params, "chexpert")
    expected = read_source("chexpert", tmp_path / "train.csv", Options(uncertain={"default": "one"})).table
    pd.testing.assert_frame_equal(read_parquet("data/labels/chexpert.parquet"), expected)
    assert expected["Edema"].tolist() == [1, 1]


def test_writes_the_counts(params, tmp_path):
    harmonize.main(params, "chexpert")
    counts = json.loads((tmp_path / "data/labels/chexpert.json").read_text())
    names = [
        "rows",
        "images",
        "patients",
        "studies",
        "views",
        "classes",
        "dropped",
        "official",
        "unused",
        "known",
    ]
    assert list(counts) == names
    assert (counts["rows"], counts["images"], counts["patients"], counts["studies"]) == (3, 2, 1, 2)
    assert counts["dropped"] == {"train.csv: no label": 1}
    assert len(counts["known"]) == 14
    assert counts["classes"]["Edema"] == {"positive": 2, "negative": 0, "unknown": 0, "uncertain": 1}
    assert counts["classes"]["Hernia"] == {"positive": 0, "negative": 0, "unknown": 2, "uncertain": 0}


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


def test_source_without_reader(params):
    with pytest.raises(StudyError, match=r"^data\.sources\.vindr: unknown source"):
        harmonize.main(params, "vindr")


def test_missing_label_file_is_one_line_and_exit_code_1(params, monkeypatch):
    monkeypatch.setattr(border, "load_params", lambda: params)
    monkeypatch.setattr(sys, "argv", ["harmonize", "nih"])
    with pytest.raises(SystemExit) as caught:
        border.run_stage(harmonize.main)
    assert caught.value.code == "error: data.sources.nih.labels: nowhere.csv: no such file or folder"
