"""Copies of the repository in which stages are run through DVC."""

import json
import shutil

import pytest
from filelock import FileLock
from workspace import Workspace, copy_repository


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Workspace:
    """A copy in which nothing has run; the tests of a module share it."""
    return copy_repository(tmp_path_factory.mktemp("fresh"), "smoke.yaml")


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Workspace:
    """The finished, committed study, run by one process of the tests; the others wait for it."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    folder, ran = shared / "finished", shared / "finished.json"
    with FileLock(shared / "finished.lock"):
        if not ran.exists():
            folder.mkdir()
            workspace = copy_repository(folder, "smoke.yaml")
            workspace.repro("repro", "code", "settings")
            first = ["code", *workspace.run_jobs(2)]
            workspace.git("add", "--all")
            workspace.git("commit", "--quiet", "--message", "study")
            ran.write_text(json.dumps([first, workspace.said]))
    return Workspace(folder, *json.loads(ran.read_text()))


@pytest.fixture(scope="module")
def smoke(finished, tmp_path_factory) -> Workspace:
    """A copy of the finished study for the tests of a module. One that changes it restores it."""
    folder = tmp_path_factory.mktemp("smoke") / "study"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Workspace(folder, finished.first_run, finished.first_words)
