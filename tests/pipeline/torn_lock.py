"""Kill DVC while it writes dvc.lock, mend, go on, and see that the study is as it was.

Usage: python -m tests.pipeline.torn_lock [kills]   (100 if absent; some minutes)

DVC writes the lock in place after every stage, within milliseconds. Here it writes in small pieces, and is
killed at a random one.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.pipeline.workspace import ENVIRONMENT, Workspace, copy_repository

#: DVC as it is, but for the pace at which it writes the lock.
SLOW_DVC = """
import io, sys, time
import dvc.utils.serialize._common as common
import dvc.utils.serialize._yaml as yaml

def slowly(path, data, dumper, fs=None, **kwargs):
    text = io.StringIO()
    dumper(data, text, **kwargs)
    step = max(1, len(text.getvalue()) // 50)
    with open(path, "w+", encoding="utf-8") as file:
        for start in range(0, len(text.getvalue()), step):
            file.write(text.getvalue()[start : start + step])
            file.flush()
            time.sleep(0.01)

common._dump_data = yaml._dump_data = slowly
from dvc.cli import main
sys.exit(main(sys.argv[1:]))
"""
TABLES = ("table1.csv", "table2.csv", "table1.md", "table2.md", "contrasts.json")
CHEAP = {"code", "describe", "report"}  # whose outs git keeps: DVC does not restore them, it runs them again


def tables(study: Workspace) -> list[bytes]:
    """What must not change."""
    return [(study.folder / "reports" / name).read_bytes() for name in TABLES]


def tear(study: Workspace, generator: random.Random) -> bool:
    """Run one cheap stage anew and kill DVC while it writes the lock; tell whether the lock is torn."""
    lock = study.folder / "dvc.lock"
    whole = lock.read_bytes()
    script = study.folder / ".dvc/tmp/slow_dvc.py"
    script.write_text(SLOW_DVC)
    process = subprocess.Popen(
        [sys.executable, script, "repro", "--force", "--single-item", "describe"],
        cwd=study.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    limit = generator.random() * len(whole)
    while process.poll() is None and lock.stat().st_size == len(whole):
        time.sleep(0.001)
    while process.poll() is None and lock.stat().st_size < limit:
        time.sleep(0.001)
    process.kill()
    process.wait()
    return lock.read_bytes() != whole


def mend(study: Workspace) -> list[str]:
    """What ``make study`` does: mend the lock, remove leftovers, go on. Return the stages that ran."""
    for module in ("lock", "leftovers"):
        done = study.run("python", "-m", f"tools.{module}")
        assert done.returncode == 0, done.stdout + done.stderr
    return study.repro()


def kill_often(study: Workspace, kills: int, forget_every: int = 10, seed: int = 0) -> int:
    """Tear the lock of a finished, committed study again and again; return how often it was torn.

    Every so many times, git has no lock to go back to.
    """
    generator, before, torn = random.Random(seed), tables(study), 0
    for number in range(kills):
        forgotten = number % forget_every == forget_every - 1
        if forgotten:
            study.git("rm", "--quiet", "--cached", "dvc.lock")
            study.git("commit", "--quiet", "--message", "no lock")
        torn += tear(study, generator)
        ran = mend(study)
        assert set(ran) <= CHEAP, f"kill {number}: computed again: {ran}"
        assert tables(study) == before, f"kill {number}: other tables"
        if forgotten:
            study.git("add", "dvc.lock")
            study.git("commit", "--quiet", "--message", "lock")
        print(f"kill {number + 1}: torn {torn}, ran again {ran}", flush=True)
    return torn


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        study = copy_repository(Path(folder), "smoke.yaml")
        study.repro()
        study.git("add", "--all")
        study.git("commit", "--quiet", "--message", "study")
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
        print(f"{count} kills, {kill_often(study, count)} torn locks, identical tables")
