"""The smoke study, run once through DVC in a copy of the repository, for the tests of this folder."""

import pytest
from workspace import Workspace, copy_repository


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Workspace:
    """The finished, committed study. A test that changes it restores it."""
    workspace = copy_repository(tmp_path_factory.mktemp("smoke"), "smoke.yaml")
    workspace.first_run = workspace.repro()
    workspace.first_words = workspace.said
    workspace.git("add", "--all")
    workspace.git("commit", "--quiet", "--message", "study")
    return workspace
