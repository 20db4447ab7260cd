"""Copies of the repository in which stages are run through DVC."""

import json
import shutil
from collections.abc import Iterator

import pytest
from filelock import FileLock
from warm import warm
from workspace import ENVIRONMENT, Workspace, copy_repository


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, quick) -> Workspace:
    """A copy in which nothing has run; the tests of a module share it."""
    return copy_repository(tmp_path_factory.mktemp("fresh"), "smoke.yaml", quick)


@pytest.fixture(scope="session")
def quick(tmp_path_factory) -> Iterator[dict[str, str]]:
    """An environment in which stages and DVC begin at once."""
    with warm(tmp_path_factory.mktemp("warm"), ENVIRONMENT) as environment:
        yield environment


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id, quick) -> Workspace:
    """The finished, committed study, run by one process of the tests; the others wait for it."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    folder, ran = shared / "finished", shared / "finished.json"
    with FileLock(shared / "finished.lock"):
        if not ran.exists():
            folder.mkdir()
            workspace = copy_repository(folder, "smoke.yaml", quick)
            workspace.repro("repro", "code", "settings")
            first = ["code", *workspace.run_jobs(2)]
            workspace.git("add", "--all")
            workspace.git("commit", "--quiet", "--message", "study")
            ran.write_text(json.dumps([first, workspace.said]))
    workspace = Workspace(folder, quick)
    workspace.first_run, workspace.first_words = json.loads(ran.read_text())
    return workspace


@pytest.fixture(scope="module")
def smoke(finished, tmp_path_factory) -> Workspace:
    """A copy of the finished study for the tests of a module. One that changes it restores it."""
    folder = tmp_path_factory.mktemp("smoke") / "study"
    shutil.copytree(finished.folder, folder, symlinks=True)
    workspace = Workspace(folder, finished.environment)
    workspace.first_run, workspace.first_words = finished.first_run, finished.first_words
    return workspace
