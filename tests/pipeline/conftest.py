"""The smoke study, run once through DVC in a copy of the repository."""

import pytest
from workspace import Workspace, copy_repository


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> Workspace:
    workspace = copy_repository(tmp_path_factory.mktemp("smoke"), "smoke.yaml")
    workspace.first_run = workspace.repro()
    workspace.git("add", "--all")
    workspace.git("commit", "--quiet", "--message", "study")
    return workspace


@pytest.fixture
def fresh(tmp_path) -> Workspace:
    """A copy in which nothing has run."""
    return copy_repository(tmp_path, "smoke.yaml")
