"""``python -m stages.artifacts.lock``: make dvc.lock whole again after a kill.

DVC rewrites dvc.lock in place after every stage, so a kill in that moment leaves a beginning of the file, or
nothing. What the mended file lacks costs little: DVC finds finished stages in its run-cache.
"""

import subprocess
import sys
from pathlib import Path

from dvc.dvcfile import LOCK_FILE, Lockfile
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.utils.serialize import ParseError, parse_yaml
from dvc.utils.strictyaml import YAMLValidationError

from cxrlt_core.system.files import write_text

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


if __name__ == "__main__":
    try:
        with Repo().lock:  # another dvc may be writing the file at this moment
            print(mend(Path(LOCK_FILE)))
    except DvcException as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
