"""Files from the future or a distant past, and a run that sees an earlier time than the one before."""

import os

from tests.pipeline.faults.processes import Command, environment
from tests.pipeline.faults.study import Fault, Study

YEAR = 365 * 24 * 3600.0


def shift_files(study: Study, seconds: float) -> int:
    """Set the times of all files, DVC's cache and locks included; return how many."""
    files = [path for path in study.folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    for path in files:
        found = path.stat()
        os.utime(path, (found.st_atime + seconds, found.st_mtime + seconds))
    return len(files)


def nothing_to_do(study: Study) -> None:
    study.check(study.go_on())


def old_time_hides_nothing(study: Study) -> None:
    """Change a letter of a module, give the file its old time, and see the stage ``code`` run.

    The editor must put a new file in its place, as most do: rewritten in place with size and time of before,
    DVC takes it for the same.
    """
    place = study.folder / "cxrlt_core/labels.py"
    before, found = place.read_text(), place.stat()
    draft = place.with_suffix(".draft")  # beside it: a file that follows one may get its inode
    draft.write_text(before.replace("label", "lebal", 1))
    os.utime(draft, ns=(found.st_atime_ns, found.st_mtime_ns))
    draft.replace(place)
    ran = study.go_on()
    place.write_text(before)
    if "code" not in ran:
        raise Fault(f"a change was not seen, ran: {ran}")
    study.check(study.go_on())


def earlier(study: Study, address: str) -> None:
    """Let a stage run anew in processes that see a time a year ago."""
    study.forget(address)
    command = Command(study.folder, ("dvc", "repro"), environment(study.folder, clock=YEAR))
    if command.wait():
        raise Fault(command.said())
    study.check(study.go_on(), due={address})
