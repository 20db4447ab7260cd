"""Find the files of images, and tell by size and time whether they are still the same."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from cxrlt_core.system.errors import StudyError

FILES_AT_ONCE = 1000  # files that a thread takes at a time
THREADS = 16  # which wait for a network's file system side by side


@dataclass(frozen=True)
class ImageFiles:
    """The images of a source, by name and place."""

    ids: Sequence[str]  # unique name of each image
    paths: Sequence[str]  # file of each image, relative to ``root`` or to one of ``folders`` in it
    root: Path  # folder of the source's images
    folders: tuple[str, ...]  # glob patterns below ``root``, in order of preference; "" is ``root`` itself
    key: str = "images"  # what names ``root`` in an error, such as data.sources.nih.images


def find_files(paths: Sequence[str], root: Path, folders: tuple[str, ...]) -> list[str | None]:
    """Return the file of each path, None where no folder has it; each folder is listed once.

    With the one pattern "" every path is taken as it stands. StudyError if a path leaves the folder.
    """
    for row, path in enumerate(paths):
        if path.startswith("/") or ".." in path.split("/"):
            raise StudyError(f"{root}: row {row}: path {path!r} leaves this folder")
    if folders == ("",):
        return [os.path.join(root, path) for path in paths]
    starts = [f for pattern in folders for f in (sorted(map(str, root.glob(pattern))) if pattern else [root])]

    @cache
    def names(folder: str) -> frozenset[str]:
        try:
            return frozenset(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()

    def find(path: str) -> str | None:
        candidates = (os.path.split(os.path.join(start, path)) for start in starts)
        return next((os.path.join(*c) for c in candidates if c[1] in names(c[0])), None)

    return [find(path) for path in paths]


def file_stamp(file: str | None) -> str | None:
    """Return size and modification time of a file, None if there is no such file."""
    try:
        status = os.stat(file or "")
    except (OSError, ValueError):
        return None
    return f"{status.st_size}:{status.st_mtime_ns}"


def file_stamps(files: Sequence[str | None]) -> list[str | None]:
    """Return the :func:`file_stamp` of each file."""
    chunks = (files[start : start + FILES_AT_ONCE] for start in range(0, len(files), FILES_AT_ONCE))
    with ThreadPoolExecutor(THREADS) as pool:
        return list(chain.from_iterable(pool.map(lambda chunk: [*map(file_stamp, chunk)], chunks)))
