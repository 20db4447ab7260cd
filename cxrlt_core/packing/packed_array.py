"""Open a packed array, and make sure that it is the one that was described."""

import zlib
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from cxrlt_core.system.errors import StudyError

FINGERPRINT_ROWS = 64


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


def fingerprint(pixels: np.ndarray, rows: np.ndarray) -> str:
    """Return shape and CRC-32 of up to 64 of the given rows, evenly spaced."""
    spaced = np.linspace(0, len(rows) - 1, min(len(rows), FINGERPRINT_ROWS)).astype(int)
    code = 0
    for row in rows[spaced]:
        code = zlib.crc32(pixels[row], code)
    return f"{'x'.join(map(str, pixels.shape))} crc32:{code:08x}"
