"""How the processes of pytest-xdist share the tests, see ``make test``."""

import pytest


def in_pipeline(item: pytest.Item) -> bool:
    return "pipeline" in item.path.parts


def of_smoke(item: pytest.Item) -> bool:
    return in_pipeline(item) and "smoke" in item.fixturenames


def pytest_itemcollected(item):
    """Keep the tests of a file together, and all those of the smoke study, so that it runs once."""
    item.add_marker(pytest.mark.xdist_group("smoke" if of_smoke(item) else str(item.path)))


def pytest_collection_modifyitems(items):
    """Begin with what takes long: the smoke study, then the rest of the pipeline."""
    items.sort(key=lambda item: (not of_smoke(item), not in_pipeline(item)))
