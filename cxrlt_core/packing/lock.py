"""One process at a time packs an array."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from cxrlt_core.system.errors import StudyError

READERS_TAKE = 1.0  # seconds at most: they hold the lock only to see that nobody packs


@contextmanager
def exclusive(array: Path) -> Iterator[None]:
    """Hold ``<array>.lock``; wait, and say so, while another process holds it. The dead hold none.

    Where the file system has no locks, the file itself is one, and a line says so. StudyError if it cannot
    be taken.
    """
    lock = FileLock(lock_path(array))
    try:
        array.parent.mkdir(parents=True, exist_ok=True)
        try:
            with warnings.catch_warnings(action="ignore"):  # of what the line below says
                lock.acquire(timeout=READERS_TAKE)
        except Timeout:
            print(f"{array}: waiting for the process that packs it", flush=True)
            lock.acquire()
    except OSError as error:
        raise StudyError(f"{error.filename or array}: {error.strerror or error}") from None
    if isinstance(lock, SoftFileLock):
        print(f"{array.parent}: no file locks: if another machine dies, remove {lock.lock_file}", flush=True)
    try:
        yield
    finally:
        lock.release()


def wait_until_packed(array: Path) -> None:
    """Wait while another process packs an array, whose rows are not all there before it ends.

    Nobody waits who may not write to the store, or where nobody has packed.
    """
    if lock_path(array).exists():
        with suppress(StudyError), exclusive(array):
            pass


def lock_path(array: Path) -> Path:
    """Return the lock of an array, a file that may stay."""
    return array.with_name(f"{array.name}.lock")
