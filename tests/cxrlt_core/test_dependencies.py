"""pyproject.toml names what the library imports, and the study's pins satisfy it."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement

from tests.architecture import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRA = {r.name for r in map(Requirement, PROJECT["optional-dependencies"]["export"])}
DEPENDENCIES = {r.name: r for r in map(Requirement, PROJECT["dependencies"])}

#: What transformers imports for the library: it reads the tokenizers that sentencepiece has written.
THROUGH = {"protobuf", "sentencepiece"}


def imported() -> set[str]:
    """Top-level names that the library imports, wherever the import stands; pydantic brings its own core."""
    names = set()
    for path in (ROOT / "cxrlt_core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - {"cxrlt_core", "pydantic_core"} - EXTRA - sys.stdlib_module_names


def test_the_dependencies_are_what_is_imported():
    found = packages_distributions()
    assert {found[name][0].lower() for name in imported()} | THROUGH == set(DEPENDENCIES)


def test_the_pins_of_the_study_satisfy_the_library():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(text) for line in lines if (text := line.split("#")[0].strip())]
    pins = {r.name: str(r.specifier) for r in pinned}
    for name, requirement in DEPENDENCIES.items():
        assert pins[name].removeprefix("==") in requirement.specifier, name


def test_every_room_is_a_package():
    folders = {path.parent for path in (ROOT / "cxrlt_core").rglob("*.py")}
    assert len(folders) > 10
    assert all((folder / "__init__.py").exists() for folder in folders)
