"""Packages that wait: found, unrun, and the real ones from the first use on."""

import importlib
import sys

import pytest

from cxrlt_core.system.deferred import defer, wake


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A package with a room that is loud when it runs."""
    for folder, text in {
        "": "from house import room\nloud = True\n",
        "room": "door = 1\nclosed = None\n",
    }.items():
        (tmp_path / "house" / folder).mkdir(exist_ok=True, parents=True)
        (tmp_path / "house" / folder / "__init__.py").write_text(text)
    (tmp_path / "house/room/table.py").write_text("legs = 4\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "house"]:
        del sys.modules[name]


def waits(name: str) -> bool:
    return type(sys.modules[name]).__name__ == "_Deferred"


def test_a_submodule_is_imported_and_its_packages_wait(house):
    defer("house", "house.room")
    table = importlib.import_module("house.room.table")
    assert table.legs == 4 and waits("house") and waits("house.room")
    assert sys.modules["house"].room.table is table and waits("house.room")


@pytest.mark.parametrize(
    "use",
    [
        lambda room: room.door,
        lambda room: dir(room).index("door"),
        lambda room: vars(room)["door"],
        lambda room: importlib.import_module("house").loud,
    ],
)
def test_a_use_runs_the_package_itself(house, use):
    defer("house", "house.room")
    room = importlib.import_module("house.room")
    table = importlib.import_module("house.room.table")
    use(room)
    assert room is sys.modules["house.room"] and room.door == 1 and room.table is table
    assert not waits("house.room")


def test_what_is_loaded_or_absent_is_left(house):
    loaded = importlib.import_module("house.room")
    defer("house.room", "no_such_package", "no_such_package.room", "house.no_such_room")
    assert sys.modules["house.room"] is loaded and not waits("house.room")
    assert not {"no_such_package", "no_such_package.room", "house.no_such_room"} & set(sys.modules)


def test_a_package_that_lacks_a_name_says_so(house):
    defer("house")
    with pytest.raises(AttributeError, match="no_such_name"):
        sys.modules["house"].no_such_name  # noqa: B018
    assert not waits("house")


def test_a_package_that_fails_fails_at_each_use(house, tmp_path):
    (tmp_path / "house/__init__.py").write_text("import no_such_package\n")
    defer("house")
    for _ in range(2):
        with pytest.raises(ImportError, match="no_such_package"):
            sys.modules["house"].loud  # noqa: B018


def test_waking_twice_runs_a_package_once(house):
    defer("house.room", "house", "house.room")
    room = sys.modules["house.room"]
    wake(room)
    room.door = 2
    wake(room)
    assert room.door == 2
