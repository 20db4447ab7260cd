"""A disk that is full while a stage writes; then there is space, and the study goes on.

The study lies on a tmpfs of its own, which shrinks to what is used and a little more. Where none can be
mounted, no file may grow beyond a limit: other words of the system, the same failing writes.
"""

import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.pipeline.faults.kills import module_of, repro
from tests.pipeline.faults.processes import Command, environment
from tests.pipeline.faults.study import Fault, Study
from tests.pipeline.workspace import Workspace

PAGE = os.sysconf("SC_PAGE_SIZE")
ROOMY = "1g"
#: What a stage says; the second by the limit of a process.
FULL = r"No space left on device.*; free some space and run again|File too large.*"
LINE = rf"error: [^ ]+: cannot be written: .*({FULL})"


@contextmanager
def small_disk(study: Study, place: Path) -> Iterator[Study | None]:
    """Yield a copy of the study on a disk of its own at ``place``; None if nothing can be mounted there."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        yield None
        return
    try:
        shutil.copytree(study.folder, place / "study", symlinks=True)
        yield Study(Workspace(place / "study"), place.with_name("disk-copy"))
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def resize(place: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(place)], check=True)


def used(place: Path) -> int:
    """Return the pages in use."""
    status = os.statvfs(place)
    return (status.f_blocks - status.f_bfree) * status.f_frsize // PAGE


def fill(study: Study, address: str, share: float) -> str | None:
    """Run a stage anew on a disk with room for a share of what it writes, then make room and go on.

    Return what the stage said; None if the room was enough.
    """
    with little_room(study, address, share):
        done = run_alone(study, address)
    study.check(study.go_on(), due={address})
    return check_line(address, done)


def fill_dvc(study: Study, address: str, share: float) -> str | None:
    """Let dvc run the stage, whose outs are files, and copy them into its cache; the same otherwise."""
    lock = yaml.load((study.folder / "dvc.lock").read_text(), yaml.CSafeLoader)
    for digest in {out["md5"] for out in lock["stages"][address]["outs"]}:  # two may be alike
        (study.folder / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).unlink()
    with little_room(study, address, share):
        command = Command(study.folder, repro(address), environment(study.folder))
        code, said = command.wait(), command.said()
    if "Traceback" in said:
        raise Fault(f"dvc: exit code {code}: {said}")
    study.check(study.go_on(), due={address})
    return next(line for line in said.splitlines() if line.lower().startswith("error: ")) if code else None


@contextmanager
def little_room(study: Study, address: str, share: float) -> Iterator[None]:
    """Let a stage be due, and leave room for a share of what it writes; make room at the end."""
    place = study.folder.parent
    study.forget(address)
    before = used(place)
    run_alone(study, address)
    needed = max(0, used(place) - before)
    study.forget(address)
    resize(place, str(PAGE * (used(place) + int(needed * share))))
    try:
        yield
    finally:
        resize(place, ROOMY)


def limit(study: Study, sizes: Mapping[str, int]) -> list[str]:
    """Do the same by a limit, for several stages: none of their files may grow beyond a size in bytes."""
    study.forget(*sizes)
    said = [check_line(address, run_alone(study, address, size)) for address, size in sizes.items()]
    study.check(study.go_on(), due=sizes)
    return [line for line in said if line]


def run_alone(study: Study, address: str, size: int | None = None) -> subprocess.CompletedProcess:
    """Run a stage's command without dvc."""

    def hold() -> None:
        if size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    _, _, item = address.partition("@")
    words = ["main", "contrast"] if address == "reweight" else [item] if item else []
    return subprocess.run(
        ["python", "-m", module_of(address), *words], cwd=study.folder, env=environment(study.folder),
        capture_output=True, text=True, preexec_fn=hold,
    )  # fmt: skip


def check_line(address: str, done: subprocess.CompletedProcess) -> str | None:
    """Return the line of error; None if there was none to be said."""
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    if done.returncode != 1 or len(lines) != 1 or not re.fullmatch(LINE, lines[0]):
        raise Fault(f"{address}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return lines[0]
