"""Image files as a user names them: found, and decoded ahead of the model by threads."""

import glob
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.packing.dicom import is_dicom
from cxrlt_core.system.errors import StudyError

SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
DECODED_AHEAD = 16  # images that wait decoded, for each thread


def find_images(names: Sequence[Path | str]) -> list[Path]:
    """Return the image files that files, folders and glob patterns name, each once, in their order.

    A folder gives what lies in it at any depth, sorted: files of the usual endings, DICOM without one too.
    A file that is named itself is taken whatever its ending. StudyError where there is none.
    """
    return list(dict.fromkeys(path for name in names for path in _named(name)))


def _named(name: Path | str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        if inside := _inside(path):
            return inside
        raise StudyError(f"{path}: no PNG, JPEG or DICOM file in this folder")
    if path.exists():
        return [path]
    if matches := sorted(glob.glob(str(name), recursive=True)):
        return [path for match in matches for path in _named(match)]
    raise StudyError(f"{path}: no such file or folder")


def _inside(folder: Path) -> list[Path]:
    images = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(root) / name for name in files if not name.startswith(".")]
        images += [path for path in paths if _looks_like_an_image(path)]
    return sorted(images)


def _looks_like_an_image(path: Path) -> bool:
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    try:
        with path.open("rb") as file:
            return is_dicom(file)
    except OSError:
        return False


def decoded(paths: Sequence[Path], geometry: Geometry, threads: int) -> Iterator[np.ndarray | StudyError]:
    """Yield each file as uint8 (size, size), or why it is none; in order, decoded ahead by threads."""
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        rest = (pool.submit(_image_or_reason, path, geometry) for path in paths)
        waiting = deque(islice(rest, DECODED_AHEAD * threads))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(islice(rest, 1))
        finally:
            for future in waiting:
                future.cancel()


def _image_or_reason(path: Path, geometry: Geometry) -> np.ndarray | StudyError:
    try:
        return decode(path, geometry)
    except StudyError as error:
        return error
