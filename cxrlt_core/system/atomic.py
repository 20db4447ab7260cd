"""Atomic writes: a file is written under a temporary name and renamed, so a reader never sees half of one."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from cxrlt_core.system.errors import StudyError, reason


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it if the block ends without an error.

    StudyError when the disk is full or read-only, or does not take the file for another reason.
    """
    path = Path(path)
    with _in_words(path):
        draft = _draft(path)
        try:
            yield draft
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``path`` if the block ends without an error.

    A killed process leaves the old folder, the new one or none, never a part of one. A link is replaced,
    and what it points to stays. StudyError as of :func:`atomic`.
    """
    path = Path(path)
    with _in_words(path):
        draft, old = _draft(path), _draft(path, "old")
        shutil.rmtree(draft, ignore_errors=True)  # of a killed process of the same number
        draft.mkdir()
        try:
            yield draft
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                path.rename(old)
            draft.rename(path)
        finally:
            for folder in (draft, old):
                shutil.rmtree(folder, ignore_errors=True)


def remove_drafts(folder: Path | str, name: str | None = None) -> None:
    """Remove what killed processes had begun to write into a folder, of one name or of any."""
    for path in Path(folder).glob(".*.tmp" if name is None else f".{escape(name)}.*.tmp"):
        if not _runs(path.name.split(".")[-2]):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _draft(path: Path, kind: str = "new") -> Path:
    """Return the name under which this process writes a file or folder; those of killed ones are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_drafts(path.parent, path.name)
    return path.with_name(f".{path.name}.{kind}.{os.getpid()}.tmp")


def _runs(writer: str) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(int(writer), 0)
    except (ProcessLookupError, OverflowError, ValueError):  # the others: no number
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what the system raises into a StudyError that names the file."""
    try:
        yield
    except OSError as error:
        words, full = os.strerror(error.errno) if error.errno else reason(error), os.strerror(errno.ENOSPC)
        advice = "; free some space and run again" if full in words else ""
        raise StudyError(f"{path}: cannot be written: {words}{advice}") from None
