"""A copy of the repository in which stages are run through DVC."""

import pytest
from workspace import Workspace, copy_repository


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Workspace:
    """A copy in which nothing has run; the tests of a module share it."""
    return copy_repository(tmp_path_factory.mktemp("fresh"), "smoke.yaml")
