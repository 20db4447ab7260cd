"""Put right what a kill has left, and remove what removed entries of params.yaml have made.

DVC rewrites dvc.lock and .dvc/tmp/rwlock, its note of who reads and writes what, in place, and the folder
of a run in its run-cache is empty for a moment: a kill then would stop DVC for good. A torn dvc.lock is
replaced by git's or removed; ``dvc repro`` then finds what is finished in the run-cache.

Usage: python -m tools.recover (part of `make study`)
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

from cxrlt_core.params.schema import Params
from cxrlt_core.system.atomic import remove_drafts
from cxrlt_core.system.files import write_text
from cxrlt_core.system.processes import is_program
from stages.artifacts.border import run_stage
from stages.artifacts.leftovers import remove_leftovers

LOCK = Path("dvc.lock")
WRITTEN = ("checkpoints", "data", "ensembles", "metrics", "models", "predictions", "reports", "weights")
SKIPPED = {"images", "local"}  # folders of data/ that may hold many files, and no draft
UTF8 = {"encoding": "utf-8", "errors": "replace"}


def main(params: Params) -> None:
    """Mend DVC's files, remove drafts and leftovers; do nothing while a dvc is at work here."""
    if dvc_runs():
        return
    if LOCK.exists() and not is_whole(LOCK.read_text(**UTF8)):
        LOCK.unlink()
        if is_whole(committed := output("git", "show", f"HEAD:./{LOCK}")):
            write_text(LOCK, committed)
        print(f"{LOCK}: torn, {'replaced by the version of git' if LOCK.exists() else 'removed'}")
    Path(".dvc/tmp/rwlock").unlink(missing_ok=True)
    for run in Path(output("dvc", "cache", "dir").strip() or ".dvc/cache", "runs").glob("*/*"):
        remove_drafts(run)
        with suppress(OSError):  # not empty, as it should be
            run.rmdir()
    for top in WRITTEN:
        for folder, inside, _ in os.walk(top):
            inside[:] = set(inside) - SKIPPED
            remove_drafts(folder)
    remove_leftovers(params)


def dvc_runs() -> bool:
    """Whether a dvc is at work in this folder."""
    processes = [process.info for process in psutil.process_iter(["cmdline", "cwd"])]
    here = [p for p in processes if p["cmdline"] and Path(p["cwd"] or "/").is_relative_to(Path.cwd())]
    return any(is_program("dvc")(process["cmdline"]) for process in here)


def is_whole(text: str) -> bool:
    """Whether DVC would load a dvc.lock; one cut between two entries passes, and DVC looks up the rest."""
    try:
        content = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError:
        return False
    stages = content.get("stages") if isinstance(content, dict) else None
    return bool(stages) and text.endswith("\n") and not text.endswith(":\n")


def output(*command: str) -> str:
    """Return what a program prints; nothing if it fails, or there is none."""
    try:
        return subprocess.run(command, capture_output=True, **UTF8).stdout
    except OSError:
        return ""


if __name__ == "__main__":
    run_stage(main)
