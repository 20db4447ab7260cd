"""Open a packed array, once it is packed, and make sure that it is the one that was described."""

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, SoftFileLock, Timeout
from numpy.lib.format import open_memmap

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet, read_parquet_metadata

SAMPLE_ROWS = 64
DIGEST_ROWS = 256  # that a thread takes at a time
ONE_SHADE = "shade "
READERS_TAKE = 1.0  # seconds at most: they hold the lock only to see that nobody packs


def open_array(path: Path, rows: np.ndarray, digests: Sequence[str | None]) -> np.memmap:
    """Return a packed array ``<source>-<size>-<fit>.npy``, uint8 (N, size, size), mapped read-only.

    ``digests`` are what each of the ``rows`` that are going to be read holds, by :func:`digest`. All are
    compared with the record of what was packed, and a sample with the pixels; :func:`damaged_rows` reads
    them all. StudyError if the array is missing or a row is not what it should be.
    """
    remedy = f"pack it again: dvc repro --force pack@{path.stem.rsplit('-', 2)[0]}"
    if not path.exists():
        raise StudyError(f"{path}: no such file, {remedy}")
    pixels = map_array(path)
    if pixels is None or not _holds(path, pixels, rows, digests):
        raise StudyError(f"{path}: not the array that its index describes, {remedy}")
    return pixels


def _holds(path: Path, pixels: np.ndarray, rows: np.ndarray, digests: Sequence[str | None]) -> bool:
    try:
        recorded = read_parquet(record_path(path), ["digest"])["digest"]
    except StudyError:  # none, or torn
        return False
    expected = pd.Series(digests, dtype="string", index=rows)
    inside = len(recorded) == len(pixels) and ((rows >= 0) & (rows < len(pixels))).all()
    if not inside or not recorded.iloc[rows].astype("string").equals(expected):
        return False
    sample = np.linspace(0, len(rows) - 1, min(len(rows), SAMPLE_ROWS)).astype(int)
    return not damaged_rows(pixels, rows[sample], list(map(text_or_none, expected.iloc[sample])))


def record_path(array: Path) -> Path:
    """Return where the record of what an array holds lies, :mod:`cxrlt_core.packing.record`."""
    return array.with_suffix(".record.parquet")


def read_decoder(array: Path) -> str:
    """Return the mark of what decoded the images of an array, :func:`cxrlt_core.packing.decoder.decoder`."""
    return str(json.loads(read_parquet_metadata(record_path(array))["settings"])["decoder"])


def text_or_none(value: object) -> str | None:
    """Return a text of a table, None where it has none."""
    return value if isinstance(value, str) else None


def map_array(path: Path) -> np.memmap | None:
    """Return the mapped array, None if the file is not a packed array."""
    try:
        pixels = open_memmap(path, mode="r")
    except (OSError, ValueError):
        return None
    fits = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.flags.c_contiguous
    return pixels if fits else None


def digest(image: np.ndarray) -> str:
    """Return a hash of the pixels in 16 hex digits, or the shade of an image that has but one."""
    if image.min() == image.max():
        return f"{ONE_SHADE}{image.flat[0]}"
    return hashlib.blake2b(np.ascontiguousarray(image), digest_size=8).hexdigest()


def pictures(digests: pd.Series) -> pd.Series:
    """Return the digests by which copies are found: null for one shade, since such images tell nothing."""
    return digests.mask(digests.str.startswith(ONE_SHADE))


def damaged_rows(pixels: np.ndarray, rows: Sequence[int], digests: Sequence[str | None]) -> list[int]:
    """Return those rows of uint8 (N, size, size) that no longer have the digest they were packed with."""
    starts = range(0, len(rows), DIGEST_ROWS)

    def damaged(start: int) -> list[int]:
        part = slice(start, start + DIGEST_ROWS)
        packed = zip(rows[part], digests[part], strict=True)
        return [row for row, before in packed if digest(pixels[row]) != before]

    # Threads, since hashing lets go of Python's lock.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(chain.from_iterable(pool.map(damaged, starts)))


@contextmanager
def exclusive(array: Path) -> Iterator[None]:
    """Hold ``<array>.lock``; wait, and say so, while another process holds it. The dead hold none.

    Where the file system has no locks, the file itself is one, and a line says so. StudyError if it fails.
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
