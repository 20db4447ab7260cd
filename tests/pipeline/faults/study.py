"""A finished study on which faults are tried: let a stage run anew, go on, see that all is as it was."""

import hashlib
import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path

import psutil
import yaml

from tests.pipeline.workspace import Workspace

#: Whatever is not compared: DVC's own files, git's, and Python's.
APART = (".dvc/", ".git/")
#: Files that say when, or how long, something ran; all others must come out byte for byte.
TIMED = (".record.parquet", "/cost.", "provenance.json", "text/pubmedbert.json", "text/clinical_t5.json")
TIMED += ("report.html", "appendix/origins.md", "checkpoints/", "data/watched/", "metrics/seconds/")
#: Their outs are kept by git, not by DVC, or depend on times, as those of image files drawn again do.
RERUN = {"code", "describe", "report", "pack@mimic", "pack@nih", "pack@chexpert"}
SECONDS_TO_END = 10.0  # for what a killed dvc has started; a stage looks once a second


class Fault(AssertionError):
    """Something is not as it was; whatever tries a fault raises it."""


class Study:
    """A finished, committed study, and what it held before any fault."""

    def __init__(self, workspace: Workspace, copy: Path | None = None) -> None:
        """Note what there is; keep a copy to go back to, if there is a place for it."""
        self.workspace, self.folder, self.copy = workspace, workspace.folder, copy
        self.before = self.contents()
        if copy:
            shutil.copytree(self.folder, copy, symlinks=True)

    def contents(self) -> dict[str, str]:
        """Return every file of the study, with its SHA-256 if it holds no times."""
        files = {path.relative_to(self.folder).as_posix(): path for path in self.folder.rglob("*")}
        return {
            name: "" if any(word in name for word in TIMED) else hashlib.sha256(path.read_bytes()).hexdigest()
            for name, path in files.items()
            if path.is_file() and not (name.startswith(APART) or name == "dvc.lock" or "__pycache__" in name)
        }

    def forget(self, *addresses: str) -> None:
        """Let stages run anew: without their outs, their entries in dvc.lock and in the run-cache."""
        path = self.folder / "dvc.lock"
        lock = yaml.load(path.read_text(), yaml.CSafeLoader)
        for address in addresses:
            entry = lock["stages"].pop(address, {"cmd": "", "outs": []})
            for out in entry["outs"]:
                place = self.folder / out["path"]
                shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
            for run in list((self.folder / ".dvc/cache/runs").glob("*/*/*")):
                if run.exists() and yaml.load(run.read_text(), yaml.CSafeLoader)["cmd"] == entry["cmd"]:
                    shutil.rmtree(run.parent)
        path.write_text(yaml.dump(lock, Dumper=yaml.CSafeDumper, sort_keys=False))

    def go_on(self) -> list[str]:
        """Do what ``make study`` does: mend, go on; return the stages that ran."""
        done = self.workspace.run("python", "-m", "tools.recover")
        if done.returncode:
            raise Fault(f"recover: {done.stdout}{done.stderr}")
        try:
            return self.workspace.repro()
        except AssertionError as error:
            raise Fault(f"dvc repro: {error}") from None

    def check(self, ran: Collection[str] = (), due: Collection[str] = ()) -> None:
        """Raise Fault if not all is as it was; ``ran``: stages that have run, ``due``: those that had to."""
        if more := set(ran) - set(due) - RERUN:
            raise Fault(f"computed again: {', '.join(sorted(more))}")
        now = self.contents()
        found = {
            "left over": now.keys() - self.before.keys(),
            "missing": self.before.keys() - now.keys(),
            "another": {name for name in now.keys() & self.before.keys() if now[name] != self.before[name]},
        }
        if said := [f"{what}: {', '.join(sorted(names))}" for what, names in found.items() if names]:
            raise Fault("; ".join(said))
        self.check_processes()

    def check_processes(self) -> None:
        """Raise Fault if a process still works in the study's folder after a while."""
        limit = time.monotonic() + SECONDS_TO_END
        while orphans := self.processes():
            if time.monotonic() > limit:
                raise Fault(f"still running: {[one.info['cmdline'] for one in orphans]}")
            time.sleep(0.1)

    def processes(self) -> list[psutil.Process]:
        """Return the processes whose working folder is the study's."""
        place = os.path.realpath(self.folder)
        return [p for p in psutil.process_iter(["cwd", "cmdline"]) if p.info["cwd"] == place]

    def go_back(self) -> None:
        """Take the copy, after a fault that was not mended."""
        for process in self.processes():
            process.kill()
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self.copy, self.folder, symlinks=True, dirs_exist_ok=True)
