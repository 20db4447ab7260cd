"""Two runs at once in one clone, and two clones that share a store of packed images."""

import random
import re
import shutil
import time
from pathlib import Path

from tests.pipeline.faults.processes import Command, environment
from tests.pipeline.faults.study import Fault, Study
from tests.pipeline.workspace import Workspace

#: What dvc says when another one is at work.
BUSY = re.compile(r"is busy, it is being blocked by|Unable to acquire lock")
GO_ON = ("bash", "-c", "python -m tools.recover && dvc repro")
TABLES = ("table1.csv", "table2.csv", "table1.md", "table2.md", "contrasts.json")


def run_twice(study: Study, addresses: list[str], generator: random.Random) -> str:
    """Let stages run anew in two runs at once, the second a little later; return what became of the two."""
    study.forget(*addresses)
    first = Command(study.folder, GO_ON, environment(study.folder))
    time.sleep(generator.uniform(0, 8))
    second = Command(study.folder, GO_ON, environment(study.folder))
    ends = [end(first), end(second)]
    study.check(study.go_on(), due=set(addresses))
    return " and ".join(ends)


def end(command: Command) -> str:
    """Wait for a run; return ``done``, or ``busy`` if it gave way to the other with a line."""
    if command.wait() == 0:
        return "done"
    said = command.said()
    if "Traceback" in said or not BUSY.search(said):
        raise Fault(f"exit code {command.process.returncode}: {said}")
    return "busy"


def share_store(study: Study, folder: Path) -> None:
    """Pack at once in two clones that share ``image.store``, and compare their tables."""
    clones = [Workspace(folder / name) for name in ("one", "other")]
    for clone in clones:
        shutil.copytree(study.folder, clone.folder, symlinks=True)
        with clone.params() as params:
            params["image"]["store"] = str(folder / "store")
    runs = [Command(clone.folder, GO_ON, environment(clone.folder)) for clone in clones]
    for run in runs:
        if run.wait() or "Traceback" in run.said():
            raise Fault(run.said())
    for name in TABLES:
        tables = {(one.folder / "reports" / name).read_bytes() for one in (study, *clones)}
        if len(tables) > 1:
            raise Fault(f"another {name}")
