"""A place of the packed arrays that git would take is refused, and no other."""

import subprocess
from pathlib import Path

import pytest

from cxrlt_core.system.errors import StudyError
from stages.artifacts.parameters import check_store, load_params
from tests.architecture import ROOT


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """An empty repository that ignores data/."""
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)
    subprocess.run(["git", "init", "--quiet"], check=True)
    Path(".gitignore").write_text("/data/*\n")
    return folder


def test_a_store_that_git_would_take_is_a_line_and_others_are_taken(repository):
    for store in ("packs", "./packs", str(repository / "packs"), "data/../packs"):
        with pytest.raises(StudyError) as caught:
            check_store(store)
        assert str(caught.value) == (
            f"image.store: git does not ignore {store!r}, and would commit images of patients; "
            "expected a folder outside of the repository, or one that .gitignore names"
        )
    check_store("data/arrays")
    check_store(str(repository.parent / "arrays"))
    Path("data").mkdir()  # a link is judged by where it leads
    Path("data/arrays").symlink_to(repository / "packs")
    Path("out").symlink_to(repository.parent / "elsewhere")
    with pytest.raises(StudyError, match="git does not ignore 'data/arrays'"):
        check_store("data/arrays")
    check_store("out")


def test_without_a_repository_or_without_git_any_store_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_store("packs")
    monkeypatch.setenv("PATH", "")
    check_store("packs")


def test_every_stage_asks(repository):
    text = (ROOT / "profiles/smoke.yaml").read_text()
    assert text.count("store: data/arrays") == 1
    Path("params.yaml").write_text(text)
    load_params()
    Path("params.yaml").write_text(text.replace("store: data/arrays", "store: packs"))
    with pytest.raises(StudyError, match=r"image\.store: git does not ignore 'packs'"):
        load_params()
