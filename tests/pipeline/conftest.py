"""Copies of the repository in which stages are run through DVC."""

import pytest
from workspace import Workspace, copy_repository


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Workspace:
    """A copy in which nothing has run; the tests of a module share it."""
    return copy_repository(tmp_path_factory.mktemp("fresh"), "smoke.yaml")


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Workspace:
    """The finished, committed study. A test that changes it restores it."""
    workspace = copy_repository(tmp_path_factory.mktemp("smoke"), "smoke.yaml")
    workspace.first_run = workspace.repro()
    workspace.first_words = workspace.said
    workspace.git("add", "--all")
    workspace.git("commit", "--quiet", "--message", "study")
    return workspace
