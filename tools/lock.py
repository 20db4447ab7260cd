"""``python -m tools.lock``: make whole again what a kill has left, dvc.lock above all.

DVC rewrites two files in place: dvc.lock after every stage, and .dvc/tmp/rwlock, who reads and writes what,
before and after. A kill in that moment leaves a beginning of the file, or nothing. What the mended dvc.lock
lacks costs little: DVC finds finished stages in its run-cache. What had been begun to be written goes.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from dvc.dvcfile import LOCK_FILE, Lockfile
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE
from dvc.utils.serialize import ParseError, parse_yaml
from dvc.utils.strictyaml import YAMLValidationError

from cxrlt_core.system.files import remove_drafts, write_text
from cxrlt_core.system.processes import is_program

WRITTEN = (
    "checkpoints",
    "data",
    "ensembles",
    "fingerprints",
    "metrics",
    "models",
    "predictions",
    "reports",
    "weights",
)
UTF8 = {"encoding": "utf-8", "errors": "replace"}


def is_whole(text: str) -> bool:
    """Whether DVC would load this dvc.lock, it has a stage, and its last line an end.

    A cut at the end of a line can pass: the entries that are left are true, and DVC looks the others up.
    """
    try:
        content = Lockfile.validate(parse_yaml(text, LOCK_FILE), LOCK_FILE)
    except (ParseError, YAMLValidationError):
        return False
    return bool(content.get("stages")) and text.endswith("\n")


def whole_stages(text: str) -> str:
    """Return a beginning of dvc.lock without the stage in which it ends."""
    lines = text.splitlines(keepends=True)
    starts = [n for n, line in enumerate(lines) if line.startswith("  ") and line[2:3].strip()]
    return "".join(lines[: starts[-1]]) if starts else ""


def committed(path: Path) -> str:
    """Return the file as git has it, or nothing."""
    command = ["git", "show", f"HEAD:./{path.name}"]
    try:
        return subprocess.run(command, cwd=path.parent, capture_output=True, check=True, **UTF8).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def mend(path: Path) -> str:
    """Replace a torn dvc.lock by its whole stages, else by git's version, else remove it; say which."""
    if not path.exists():
        return f"{path.name}: not there yet"
    text = path.read_text(**UTF8)
    if is_whole(text):
        return f"{path.name}: whole"
    mended = {"its whole stages": whole_stages(text), "the version of git": committed(path)}
    for name, content in mended.items():
        if is_whole(content):
            write_text(path, content)
            return f"{path.name}: torn, replaced by {name}"
    path.unlink()
    return f"{path.name}: torn, removed"


def mend_readers(path: Path) -> None:
    """Remove DVC's note of who reads and writes what, unless it is whole and names a dvc that runs.

    DVC refuses to work while the note is torn, or names the number of a killed dvc that another process has
    by now.
    """
    try:
        text = path.read_text(**UTF8)
        json.loads(text)
    except FileNotFoundError:
        return
    except ValueError:
        print(f"{path.name}: torn, removed")
        path.unlink()
        return
    if not any(_is_dvc(int(number)) for number in re.findall(r'"pid": (\d+)', text)):
        path.unlink()


def mend_runs(runs: Path) -> None:
    """Remove from DVC's run-cache what it had begun to write: an empty folder of a run makes DVC fail."""
    for run in runs.glob("*/*"):
        remove_drafts(run)
        with suppress(OSError):  # not empty, as it should be
            run.rmdir()


def _is_dvc(number: int) -> bool:
    try:
        return is_program("dvc")(psutil.Process(number).cmdline())
    except psutil.Error:
        return False


def folders() -> Iterator[Path]:
    """Yield the folders in which stages write; images and linked data, which may be many, are passed by."""
    for top in WRITTEN:
        for name, inside, _ in os.walk(top):
            folder = Path(name)
            yield folder
            inside[:] = [] if folder.parent.name == "raw" else [one for one in inside if one != "local"]


if __name__ == "__main__":
    try:
        with Repo() as repo, repo.lock:  # another dvc may be writing the file at this moment
            print(mend(Path(LOCK_FILE)))
            mend_readers(Path(repo.tmp_dir) / RWLOCK_FILE)
            mend_runs(Path(repo.stage_cache.cache_dir))
            for place in folders():
                remove_drafts(place)
    except DvcException as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
