"""What git tracks after a run on labelled data: no image, study or patient by name, no place on the disk."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from workspace import ROOT, Workspace

from cxrlt_core.system.files import read_parquet

#: Written by people; what looks like an id there is an example of a format.
BY_HAND = ("benchmarks/", "cxrlt/", "cxrlt_core/", "docs/", "stages/", "tests/")


def forms(name: str) -> Iterator[str]:
    """An id or path, and the parts of it that tell by themselves: those with five digits or more."""
    yield name
    for part in name.split("/"):
        if len(re.findall(r"\d", part)) >= 5:
            yield from (part, PurePath(part).stem, re.sub(r"^[ps](?=\d)", "", part))


def ids(folder: Path) -> set[str]:
    """Whatever the labels call an image, a study or a patient."""
    columns = ["image_id", "study_id", "patient_id", "path"]
    tables = [read_parquet(path, columns) for path in folder.glob("data/labels/*.parquet")]
    names = {name for table in tables for column in columns for name in table[column].unique()}
    return {form for name in names for form in forms(name)}


def words(text: str) -> set[str]:
    """The words of a text, paths and numbers whole, and the parts of paths."""
    whole = {word.strip(".-/") for word in re.findall(r"[\w./-]+", text)}
    parts = {part for word in whole for part in word.split("/")}
    return whole | parts | {PurePath(part).stem for part in parts if re.search(r"\.(jpe?g|png|dcm)$", part)}


def tracked(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """The name and the text of every file that git tracks and a run may have written."""
    for name in workspace.run("git", "ls-files", "-z").stdout.split("\0")[:-1]:
        if not name.startswith(BY_HAND):
            yield name, (workspace.folder / name).read_text(encoding="utf-8", errors="replace")


def test_no_id_and_no_place_on_the_disk_is_in_what_git_tracks(smoke):
    known, read = ids(smoke.folder), []
    assert len(known) > 1000
    for name, text in tracked(smoke):
        assert not words(text) & known, name
        assert str(smoke.folder) not in text and str(ROOT) not in text, name
        read.append(name)
    assert {"dvc.lock", "reports/report.md", "reports/report.html", "reports/provenance.json"} <= set(read)


@pytest.mark.parametrize("column", ["image_id", "study_id", "patient_id", "path"])
def test_an_id_in_a_line_is_found(smoke, column):
    known = ids(smoke.folder)
    for path in smoke.folder.glob("data/labels/*.parquet"):
        name = read_parquet(path, [column])[column].iloc[-1]
        assert words(f'| {name} | 0.31 | "x" |') & known


@pytest.mark.parametrize("name", ["p10000032", "00000013_005.png", "patient00042", "48451566-a3d508bd.jpg"])
def test_a_part_of_an_id_is_found(name):
    known = set(forms(f"source/{name}/x"))
    assert words(f"see {PurePath(name).stem}, 3") & known and words(f"a/{name}/b") & known
    assert not words("0.10000032 100000321 patient000421") & known
