"""One process at a time packs an array; the kernel frees the lock of a dead one."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cxrlt_core.system.errors import StudyError


@contextmanager
def exclusive(array: Path) -> Iterator[None]:
    """Hold ``<array>.lock``, a file that stays; wait, and say so, while another process holds it.

    Where the file system has no locks, only processes of one machine wait for each other; a line says so.

    Raises:
        StudyError: if the lock cannot be written.
    """
    try:
        array.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(array)
    except OSError as error:
        raise StudyError(f"{error.filename or array}: {error.strerror or error}") from None
    with file:
        yield


def _locked(array: Path) -> IO[str]:
    file = _beside(array).open("a")
    try:
        _take(file, fcntl.LOCK_EX, array)
    except OSError as error:
        file.close()
        print(f"{array.parent}: no file locks ({error.strerror}): do not pack on two machines at once")
        file = _on_this_machine(array).open("a")
        _take(file, fcntl.LOCK_EX, array)
    return file


def wait_until_packed(array: Path) -> None:
    """Wait while another process packs an array, whose rows are not all there before it ends."""
    for place in (_beside(array), _on_this_machine(array)):
        try:
            with place.open() as file:
                _take(file, fcntl.LOCK_SH, array)
        except OSError:  # never packed there, or no locks
            continue


def _take(file: IO[str], kind: int, array: Path) -> None:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"{array}: waiting for the process that packs it", flush=True)
        fcntl.flock(file, kind)


def _beside(array: Path) -> Path:
    return array.with_name(f"{array.name}.lock")


def _on_this_machine(array: Path) -> Path:
    name = hashlib.sha256(str(array.resolve()).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"packing-{os.getuid()}-{name}.lock"
