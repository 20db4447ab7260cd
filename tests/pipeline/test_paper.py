"""profiles/paper.yaml, as it is, on links to a miniature of its four data sets."""

import shutil

import pytest
from miniature import FINDINGS, link_miniature, write_miniature
from workspace import ROOT

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.system.files import read_json, read_parquet

SOURCES = ("mimic", "nih", "chexpert", "padchest")
RARE = {"Calcification of the Aorta", "Pneumomediastinum", "Pneumoperitoneum"}
RARE |= {"Subcutaneous Emphysema", "Tortuous Aorta"}


@pytest.fixture(scope="module")
def paper(fresh, tmp_path_factory):
    """The paper's study in a copy of the repository, its data sets beside it, run up to the data page."""
    fresh.roots = tmp_path_factory.mktemp("data sets")
    write_miniature(fresh.roots)
    link_miniature(fresh.roots, fresh.folder)
    shutil.copy(ROOT / "profiles/paper.yaml", fresh.folder / "params.yaml")
    fresh.first_run = fresh.repro("repro", "describe")
    return fresh


def test_the_paper_profile_takes_all_four_data_sets_as_downloaded(paper):
    expected = [f"{stage}@{source}" for stage in ("harmonize", "pack") for source in SOURCES]
    assert sorted(paper.first_run) == sorted([*expected, "code", "split", "describe"])
    for source in SOURCES:
        index = read_parquet(paper.folder / f"data/packed/{source}.parquet")
        assert len(index) and index["reason"].isna().all(), source
    summary = read_json(paper.folder / "data/summary.json")
    assert summary["classes"] == list(CLASSES)
    assert [summary["sets"][name]["images"] for name in ("train_primary", "dev", "test")] == [60, 30, 30]
    assert set(summary["not_replenished"]) == RARE
    page = (paper.folder / "reports/data.md").read_text()
    assert "| `chexpert` | replenishment |" in page and "demo" not in page.casefold()


def test_git_sees_no_place_of_the_data_sets(paper):
    """The links are ignored, and what DVC notes of label files is relative; a change of them is seen."""
    assert str(paper.roots) not in (paper.folder / "dvc.lock").read_text()
    assert not paper.run("git", "ls-files", "--others", "--exclude-standard", "data/local").stdout
    nih = ("nih/Data_Entry_2017_v2020.csv", "nih/test_list.txt")
    files = [("mimic", "cxr-lt-2023/train.csv"), *(("nih", name) for name in nih)]
    for source, file in files:
        path = paper.roots / file
        before = path.read_bytes()
        path.write_bytes(before + b"\n")
        assert "modified" in paper.run("dvc", "status", f"harmonize@{source}").stdout, file
        path.write_bytes(before)


def test_padchest_and_a_picture_of_the_test_set_replenish(paper):
    """PadChest brings what the others do not know; the same picture in test and training stops the study."""
    test_row = (paper.roots / "cxr-lt-2023/test.csv").read_text().splitlines()[1].split(",")
    leaked = next((paper.roots / "nih").glob("images_*/images/*.png"))
    shutil.copy(paper.roots / "mimic-cxr-jpg" / test_row[5], leaked)
    for array in (paper.folder / "data/arrays").glob("nih-*"):
        array.unlink()  # so that the image is read again
    paper.repro("repro", "--force", "--single-item", "pack@nih")
    paper.edit("extra: [nih, chexpert]  ", "extra: [nih, chexpert, padchest]  ")
    done = paper.run("dvc", "repro", "split")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0 and f"nih/{leaked.name}" in line and "data.leaks" in line
    paper.edit("leaks: stop", "leaks: drop")
    paper.repro("repro", "describe")
    page = (paper.folder / "reports/data.md").read_text()
    assert "| pixels | train | test | 1 | 1 |" in page
    summary = read_json(paper.folder / "data/summary.json")
    assert summary["not_replenished"] == []
    sets = summary["sets"]
    before, after = (sets[name]["classes"] for name in ("train_primary", "train_replenished"))
    for name in RARE:
        assert after[name]["positive"] >= before[name]["positive"] + 30 // len(FINDINGS), name
