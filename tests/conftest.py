"""How the processes of pytest-xdist share the tests, see ``make test``."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep the tests of a file together, and all those of the smoke study, so that it runs once.

    What runs through DVC comes first, the smoke study before all: the longest begin, the short ones fill up.
    """
    ranks = {}
    for item in items:
        in_pipeline = "pipeline" in item.path.parts
        of_smoke = in_pipeline and "smoke" in item.fixturenames
        item.add_marker(pytest.mark.xdist_group("smoke" if of_smoke else str(item.path)))
        ranks[item] = not of_smoke, not in_pipeline
    items.sort(key=ranks.get)
