"""What the code of a stage means: the one notion of "the same code", for DVC, checkpoints and provenance.

A module is described by its syntax tree without comments, docstrings and formatting; a stage by the modules
that its script reaches by import, wherever the import stands. So an edit re-runs what it can change.
"""

import ast
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from cxrlt_core.params.schema import Params
from cxrlt_core.study.variants import designs_of, loss_of
from cxrlt_core.system.code import meaning
from cxrlt_core.system.errors import StudyError

ROOT = Path(__file__).parents[2]
PACKAGES = ("cxrlt_core", "stages")

#: Modules and packages that cannot change a number, and why; nor can what is imported through them alone.
IGNORED_MODULES = {
    "cxrlt_core.params": "data and checks; the values of params.yaml are tracked, and none has a default",
    "cxrlt_core.study.explain": "the words of an error in params.yaml",
    "cxrlt_core.study.parse": "checks of params.yaml",
    "cxrlt_core.system.atomic": "how a file is written whole",
    "cxrlt_core.system.errors": "the words of an error",
    "cxrlt_core.system.processes": "how a process ends with its parent",
    "cxrlt_core.system.progress": "what a terminal shows",
    "cxrlt_core.system.settings": "the bricks of the schema",
    "cxrlt_core.system.yaml_file": "checks of the text of params.yaml and of label spaces",
    "stages.artifacts.border": "how a stage starts, also another one, and fails",
    "stages.artifacts.environment": "says what computes; kept beside numbers, and in none",
    "stages.artifacts.monitor": "logs a score of a running training, with the code that it is of",
    "stages.artifacts.code": "this module: it describes the code, and enters no number",
}

#: What every stage reads its parameters by, through a module that counts for none.
PARAMETERS = "stages.artifacts.parameters"

#: Modules that run others which no import names: those of a package that hold a text.
FINDERS = {
    "cxrlt_core.figures": ("cxrlt_core.figures", "\ndef show("),
    "cxrlt_core.metrics.metric": ("cxrlt_core.metrics", "\nMETRICS = "),
}


def stage_code(stage: str, whole: bool = False) -> dict[str, str]:
    """Return the fingerprints of the modules behind a stage's script, by file; all of them if ``whole``."""
    ignored = () if whole else IGNORED_MODULES
    return _described(f"stages.{stage}", ignored) | _described(PARAMETERS, ignored)


def module_code(module: str) -> dict[str, str]:
    """Return the fingerprints of a module that is asked for, even an ignored one, and of what it imports."""
    return _described(module, IGNORED_MODULES)


def variant_code(params: Params, variant: str) -> dict[str, str]:
    """Return the fingerprints of what trains a variant: the shared core, its loss and its designs."""
    loss = module_code(f"cxrlt_core.losses.{loss_of(params, variant).kind}")
    return {**stage_code("train"), **loss, **design_code(designs_of(params, variant))}


def design_code(names: Iterable[str]) -> dict[str, str]:
    """Return the fingerprints of the modules of designs."""
    return {file: mark for name in names for file, mark in module_code(f"cxrlt_core.designs.{name}").items()}


def fingerprint(content: Any) -> str:
    """Return the SHA-256 of plain values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def modules_of(package: str) -> list[str]:
    """Return the names of the modules that lie in a package, without importing it."""
    return sorted(p.stem for p in (ROOT / package.replace(".", "/")).glob("*.py") if p.stem != "__init__")


def stages() -> list[str]:
    """Return the names of all stage scripts."""
    return modules_of("stages")


def closure(module: str, stop: Collection[str] = ()) -> list[str]:
    """Return the modules that importing a module runs or may run, itself included.

    Args:
        module: its name.
        stop: modules and packages whose own imports are not followed, but for the module's.
    """
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in reached and _file(name):
            reached.add(name)
            followed = name == module or not _within(name, stop)
            waiting += [*_parents(name), *(_imports(name) if followed else ())]
    return sorted(reached)


def _described(module: str, ignored: Collection[str]) -> dict[str, str]:
    names = [name for name in closure(module, ignored) if name == module or not _within(name, ignored)]
    marks = {_file(name): _meaning_of(name) for name in names}
    return {file: mark for file, mark in marks.items() if mark != EMPTY}


def _within(name: str, modules: Collection[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


EMPTY = meaning("")


@lru_cache(None)
def _source(module: str) -> str:
    return (ROOT / _file(module)).read_text(encoding="utf-8")


@lru_cache(None)
def _meaning_of(module: str) -> str:
    return meaning(_source(module))


@lru_cache(None)
def _file(module: str) -> str | None:
    """Return the file of a module, relative to the root; None for what is no module of ours."""
    if module.split(".")[0] not in PACKAGES:
        return None
    path = module.replace(".", "/")
    return next((file for file in (f"{path}.py", f"{path}/__init__.py") if (ROOT / file).is_file()), None)


def _parents(module: str) -> Iterator[str]:
    """Importing a.b.c runs a and a.b, too."""
    parts = module.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


def _package(module: str, level: int) -> str:
    """Return the package from which a relative import of a module starts; nothing of an absolute one."""
    if not level:
        return ""
    parts = module.split(".")
    is_package = (_file(module) or "").endswith("__init__.py")
    return ".".join(parts[: len(parts) - level + is_package])


@lru_cache(None)
def _imports(module: str) -> tuple[str, ...]:
    """Return what a module's import statements name; a name may turn out to be no module.

    StudyError when one lies beside the two packages, where an edit goes unnoticed.
    """
    names: list[str] = []
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            source = ".".join(filter(None, (_package(module, node.level), node.module)))
            names += [source, *(f"{source}.{alias.name}" for alias in node.names)]
    for top in {name.partition(".")[0] for name in names} - {*PACKAGES, ""}:
        if (ROOT / f"{top}.py").exists() or any((ROOT / top).glob("*.py")):
            expected = " or ".join(f"{package}/" for package in PACKAGES)
            raise StudyError(f"{_file(module)}: imports {top}, where edits go unnoticed; expected {expected}")
    if module in FINDERS:
        package, text = FINDERS[module]
        within = (f"{package}.{name}" for name in modules_of(package))
        names += (name for name in within if text in _source(name))
    return tuple(names)
