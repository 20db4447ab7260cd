"""What DVC records of a stage is what ran: its parameters, its code and its inputs, from start to end.

DVC notes what the dependencies of a stage are when it ends, and the stage reads them before. An edit in
between would give results a record that is not theirs, and DVC's run-cache would hand them out later.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json
from stages.artifacts.code import ROOT, meaning
from stages.artifacts.leftovers import remove_leftovers
from stages.artifacts.parameters import params_of

FINGERPRINTS = "fingerprints/"
PARAMS = "params.yaml"


class Stage(NamedTuple):
    """An entry of dvc.yaml: files and folders that it depends on, and those that it replaces."""

    deps: list[str]
    outs: list[str]


@contextmanager
def unchanged(module: str, params: Params) -> Iterator[None]:
    """Run a stage on what DVC records; what is no stage runs as it is.

    StudyError when its code is not that of its fingerprints, or code or an input changes while it runs; it
    leaves no output then.
    """
    command = " ".join(["python", "-m", module, *sys.argv[1:]])
    stage = find_stage(command, params) if module.startswith("stages.") else None
    if stage is None:
        if module.startswith("stages.") and "DVC_STAGE" in os.environ:  # DVC sets it
            raise StudyError(f"dvc.yaml: no stage runs {command} any more; run again")
        yield
        return
    remove_leftovers(params, *stage.deps, *stage.outs)
    marks = fingerprints(stage)
    if edited := [file for file, mark in marks.items() if _meaning(file) != mark]:
        raise StudyError(f"{edited[0]}: edited since this run began; run again, and its change counts")
    before = stamps([*stage.deps, *marks])
    if PARAMS in stage.deps and params_of(module) != params:
        raise StudyError(f"{PARAMS}: changed while it was read; run again")
    yield
    after = stamps([*stage.deps, *marks])
    changed = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    if changed := [path for path in changed if path not in marks or _meaning(path) != marks[path]]:
        for out in stage.outs:
            if Path(out).is_dir():
                shutil.rmtree(out, ignore_errors=True)  # another rank may be at it
            else:
                Path(out).unlink(missing_ok=True)
        raise StudyError(f"{changed[0]}: changed while {command} ran, which leaves no output; run again")


def find_stage(command: str, params: Params) -> Stage | None:
    """Return the stage of dvc.yaml that runs a command."""
    content = yaml.load((ROOT / "dvc.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    values = params.model_dump(mode="json")
    for stage in content["stages"].values():
        for names in _items(stage, values):
            entry = stage.get("do", stage)
            if _filled(entry["cmd"], names) == command:
                deps = [_filled(dep, names) for dep in entry["deps"]]
                deps += [PARAMS] if "params" in entry else []
                outs = [out for key in ("outs", "metrics") for out in entry.get(key, [])]
                return Stage(deps, [_filled(out, names) for out in map(_replaced, outs) if out])
    return None


def fingerprints(stage: Stage) -> dict[str, str]:
    """Return what the code behind a stage meant when the run began, by file."""
    paths = [Path(dep) for dep in stage.deps if dep.startswith(FINGERPRINTS)]
    files = (file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path]))
    return {module: mark for file in files for module, mark in read_json(file).items()}


def stamps(paths: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return inode, size and time of each file, also of those within folders, as DVC looks at them."""
    found = {}
    for path in paths:
        inside = [os.path.join(top, name) for top, _, names in os.walk(path) for name in names]
        for file in [path, *inside]:
            if os.path.isfile(file) and "__pycache__" not in file:
                status = os.stat(file)
                found[file] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def _meaning(file: str) -> str | None:
    try:
        return meaning((ROOT / file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):  # gone, or half written
        return None


def _replaced(out: str | Mapping[str, Any]) -> str | None:
    """Return the path of an output; None where DVC keeps what is there."""
    if isinstance(out, str):
        return out
    [(path, options)] = out.items()
    return None if options.get("persist") else path


def _items(stage: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what ``${…}`` may name in a stage, once for each of its items."""
    if "foreach" not in stage:
        yield values
        return
    items = _value(stage["foreach"][2:-1], values)
    for key, item in items.items() if isinstance(items, dict) else ((None, name) for name in items):
        yield {**values, "key": key, "item": item}


def _filled(text: str, names: Mapping[str, Any]) -> str:
    return re.sub(r"\$\{([\w.]+)\}", lambda match: str(_value(match[1], names)), text)


def _value(key: str, names: Any) -> Any:
    for part in key.split("."):
        names = names[part]
    return names
