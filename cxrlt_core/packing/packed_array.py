"""Open a packed array, and make sure that it is the one that was described."""

import hashlib
import os
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from cxrlt_core.system.errors import StudyError

FINGERPRINT_ROWS = 64
DIGEST_ROWS = 256  # that a thread takes at a time


def open_array(path: Path, mark: str) -> np.memmap:
    """Return a packed array, uint8 (N, size, size), mapped read-only.

    Args:
        path: the array, named ``<source>-<size>-<fit>.npy``.
        mark: what the metadata of its index says under ``fingerprint``.

    Raises:
        StudyError: if the array is missing or another one.
    """
    remedy = f"pack it again: dvc repro --force pack@{path.stem.rsplit('-', 2)[0]}"
    if not path.exists():
        raise StudyError(f"{path}: no such file, {remedy}")
    pixels = map_array(path)
    if pixels is None or fingerprint(pixels, np.arange(len(pixels))) != mark:
        raise StudyError(f"{path}: not the array that its index describes, {remedy}")
    return pixels


def map_array(path: Path) -> np.memmap | None:
    """Return the mapped array, None if the file is not a packed array."""
    try:
        pixels = open_memmap(path, mode="r")
    except (OSError, ValueError):
        return None
    fits = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.flags.c_contiguous
    return pixels if fits else None


def digest(image: np.ndarray) -> str | None:
    """Return a hash of the pixels in 16 hex digits, None for one shade: such images tell nothing."""
    if image.min() == image.max():
        return None
    return hashlib.blake2b(np.ascontiguousarray(image), digest_size=8).hexdigest()


def damaged_rows(pixels: np.ndarray, rows: Sequence[int], digests: Sequence[str | None]) -> list[int]:
    """Return those of the rows that no longer have the digest they were packed with.

    Args:
        pixels: the array, uint8 (N, size, size).
        rows: of it.
        digests: one a row.
    """
    starts = range(0, len(rows), DIGEST_ROWS)

    def differ(start: int) -> list[int]:
        part = slice(start, start + DIGEST_ROWS)
        return [
            row for row, then in zip(rows[part], digests[part], strict=True) if digest(pixels[row]) != then
        ]

    # Threads, since hashing lets go of Python's lock.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return [row for found in pool.map(differ, starts) for row in found]


def fingerprint(pixels: np.ndarray, rows: np.ndarray) -> str:
    """Return shape and CRC-32 of up to 64 of the given rows, evenly spaced."""
    spaced = np.linspace(0, len(rows) - 1, min(len(rows), FINGERPRINT_ROWS)).astype(int)
    code = 0
    for row in rows[spaced]:
        code = zlib.crc32(pixels[row], code)
    return f"{'x'.join(map(str, pixels.shape))} crc32:{code:08x}"
