"""Decode and resize every image of a source once, into one uint8 array that training maps.

Three files: the array ``<name>.npy``, uint8 (N, size, size); beside it a record of what is on
disk, from which an interrupted run goes on; and the index, which tells a reader the row of each
image and by a fingerprint whether the array is the one it describes.

The record stamps each packed image with the size and time of its file. A later run decodes only
images without a stamp and those whose file has changed since; an image whose file has gone stays
packed, and a rejected one is tried again.
"""

import json
import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from cxrlt_core.decode import VERSION, decode
from cxrlt_core.errors import StudyError
from cxrlt_core.files import read_parquet, read_parquet_metadata, write_parquet
from cxrlt_core.packed_array import fingerprint, map_array
from cxrlt_core.progress import progress

CHUNK = 32  # images that a worker takes at a time
RECORD_SECONDS = 10.0  # a kill loses at most this much work


def pack_images(
    ids: Sequence[str],
    paths: Sequence[str],
    root: Path,
    folders: tuple[str, ...],
    array: Path,
    size: int,
    workers: int,
) -> pd.DataFrame:
    """Pack images into ``array`` and return the index.

    Args:
        ids: unique name of each image; rows that are already packed are found by it.
        paths: file of each image, relative to ``root`` or to one of ``folders`` in it.
        root: folder of the source's images.
        folders: glob patterns below ``root``, in order of preference; "" is ``root`` itself.
        array: the .npy file; its row i is image i, and stays zero if the image is rejected.
        size: side of the packed images in pixels.
        workers: processes; 1 runs in this one.

    Returns:
        A row per image: ``image_id``, ``row`` (null if rejected), ``reason`` (null if packed).

    Raises:
        StudyError: if a path leaves ``root``, a folder cannot be read or the disk is full.
    """
    try:
        files = locate(paths, root, folders)
        record = _open_record(array, list(ids), root, size)
        reasons = _fill(record, files, workers)
    except OSError as error:
        raise StudyError(f"{error.filename or array}: {error.strerror or error}") from None
    rows = pd.array(np.arange(len(reasons)), dtype="Int64")
    index = pd.DataFrame({"image_id": record.ids, "row": rows, "reason": pd.array(reasons, dtype="string")})
    index.loc[index["reason"].notna(), "row"] = pd.NA
    return index


def check_rejects(index: pd.DataFrame, limit: float, key: str) -> None:
    """Raise StudyError when more than the share ``limit`` of the images is rejected.

    The message starts with ``key`` and counts the ten commonest reasons.
    """
    rejected = index["reason"].dropna()
    if len(rejected) <= limit * len(index):
        return
    reasons = ", ".join(f"{n} × {reason}" for reason, n in Counter(rejected).most_common(10))
    raise StudyError(
        f"{key}: {len(rejected)} of {len(index)} images rejected, "
        f"more than image.max_rejects {limit}: {reasons}"
    )


def write_index(path: Path | str, index: pd.DataFrame, array: Path) -> None:
    """Write the index of :func:`pack_images`, with the array's fingerprint in its metadata."""
    pixels = open_memmap(array, mode="r")
    write_parquet(path, index, {"fingerprint": fingerprint(pixels, np.arange(len(pixels)))})


def locate(paths: Sequence[str], root: Path, folders: tuple[str, ...]) -> list[str | None]:
    """Return the file of each path, None where no folder has it; each folder is listed once.

    With the one pattern "" nothing is listed and every path is taken as it stands.

    Raises:
        StudyError: if a path is absolute or climbs out with "..".
    """
    for row, path in enumerate(paths):
        if path.startswith("/") or ".." in path.split("/"):
            raise StudyError(f"{root}: row {row}: path {path!r} leaves this folder")
    if folders == ("",):
        return [os.path.join(root, path) for path in paths]
    starts = [start for pattern in folders for start in _matches(root, pattern)]

    @cache
    def names(folder: str) -> frozenset[str]:
        try:
            return frozenset(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()

    def find(path: str) -> str | None:
        candidates = (os.path.split(os.path.join(start, path)) for start in starts)
        found = (os.path.join(parent, name) for parent, name in candidates if name in names(parent))
        return next(found, None)

    return [find(path) for path in paths]


def _matches(root: Path, pattern: str) -> list[str]:
    if not pattern:
        return [str(root)]
    return sorted(str(folder) for folder in root.glob(pattern) if folder.is_dir())


@dataclass
class _Record:
    """What is on disk: per image the stamp of the file that its row was made from, or None."""

    array: Path
    ids: list[str]
    stamps: list[str | None]
    settings: str  # rows made with other settings are worthless

    def save(self) -> None:
        """Flush the array, then name its finished rows, so that no row is named too early."""
        with self.array.open("r+b") as file:
            os.fsync(file.fileno())
        table = pd.DataFrame({"image_id": self.ids, "stamp": pd.array(self.stamps, dtype="string")})
        pixels = open_memmap(self.array, mode="r")
        metadata = {"settings": self.settings, "fingerprint": fingerprint(pixels, self.packed_rows)}
        write_parquet(_record_path(self.array), table, metadata)

    @property
    def packed_rows(self) -> np.ndarray:
        """Rows that have a stamp."""
        return np.flatnonzero([stamp is not None for stamp in self.stamps])


def _open_record(array: Path, ids: list[str], root: Path, size: int) -> _Record:
    """Return the record of an array that holds these images, laid out anew if it did not."""
    settings = json.dumps({"decoder": VERSION, "size": size, "root": str(root)})
    old = _read_record(array, settings) or _Record(array, [], [], settings)
    if ids and old.ids == ids:
        return old
    old_rows = {name: row for row, name in enumerate(old.ids) if old.stamps[row]}
    sources = [old_rows.get(name) for name in ids]
    _lay_out(array, sources, size)
    stamps = [None if row is None else old.stamps[row] for row in sources]
    record = _Record(array, ids, stamps, settings)
    record.save()
    return record


def _read_record(array: Path, settings: str) -> _Record | None:
    """Return the record beside an array, None if there is none that fits."""
    path = _record_path(array)
    try:
        table, metadata = read_parquet(path), read_parquet_metadata(path)
    except (StudyError, OSError, ValueError):  # absent, or torn by a power cut
        return None
    pixels = map_array(array)
    if metadata.get("settings") != settings or pixels is None or len(pixels) != len(table):
        return None
    stamps = [stamp if isinstance(stamp, str) else None for stamp in table["stamp"]]
    record = _Record(array, table["image_id"].tolist(), stamps, settings)
    same = metadata["fingerprint"] == fingerprint(pixels, record.packed_rows)
    return record if same else None


def _lay_out(array: Path, sources: list[int | None], size: int) -> None:
    """Write an array whose row i is row ``sources[i]`` of the present one, or zero where None."""
    array.parent.mkdir(parents=True, exist_ok=True)
    needed, free = len(sources) * size**2, shutil.disk_usage(array.parent).free
    if needed > free:
        raise StudyError(f"{array}: needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free")
    draft = array.with_name(f".{array.name}.new")
    offset = open_memmap(draft, "w+", np.uint8, (len(sources), size, size)).offset
    copies = [(row, source) for row, source in enumerate(sources) if source is not None]
    if copies:
        present = open_memmap(array, mode="r")
        with draft.open("r+b") as file:
            for row, source in copies:
                file.seek(offset + row * size**2)
                file.write(present[source])
    # Without a record a kill here costs time; with the old one it would cost truth.
    _record_path(array).unlink(missing_ok=True)
    os.replace(draft, array)


def _record_path(array: Path) -> Path:
    return array.with_suffix(".record.parquet")


@dataclass(frozen=True)
class _Item:
    """One image for a worker."""

    row: int
    file: str | None  # None: not in any folder
    stamp: str | None  # of the file that the row holds already


def _fill(record: _Record, files: list[str | None], workers: int) -> list[str | None]:
    """Pack all images that the record lacks; return the reason of each rejection, None elsewhere."""
    items = list(map(_Item, range(len(files)), files, record.stamps))
    chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
    reasons: list[str | None] = []
    saved = time.monotonic()
    bar = progress(len(items), "images", f"pack {record.array.stem}")
    with bar, _mapper(min(workers, len(chunks))) as map_chunks:
        try:
            for results in map_chunks(partial(_pack_chunk, record.array), chunks):
                done = len(reasons)
                record.stamps[done : done + len(results)] = [stamp for stamp, _ in results]
                reasons += [reason for _, reason in results]
                bar.update(len(results))
                if time.monotonic() - saved > RECORD_SECONDS:
                    record.save()
                    saved = time.monotonic()
        finally:
            record.save()
    return reasons


def _pack_chunk(array: Path, chunk: list[_Item]) -> list[tuple[str | None, str | None]]:
    """Write the rows of some images; return stamp and reason of each, one of them None."""
    pixels = open_memmap(array, mode="r")
    # Written, not mapped: a full disk is then an error instead of a dead process.
    with array.open("r+b") as out:

        def write(row: int, image: np.ndarray) -> None:
            out.seek(pixels.offset + row * image.nbytes)
            out.write(image)

        return [_pack_image(item, pixels.shape[1], write) for item in chunk]


def _pack_image(
    item: _Item, size: int, write: Callable[[int, np.ndarray], None]
) -> tuple[str | None, str | None]:
    stamp = _stamp(item.file)
    if item.stamp and stamp in (item.stamp, None):
        return item.stamp, None
    try:
        if item.file is None:
            raise StudyError("file not found")
        image, reason = decode(item.file, size), None
    except StudyError as error:
        image, stamp, reason = np.zeros((size, size), np.uint8), None, str(error)
    write(item.row, image)
    return stamp, reason


def _stamp(file: str | None) -> str | None:
    """Return size and modification time of a file, None if there is no such file."""
    try:
        status = os.stat(file or "")
    except (OSError, ValueError):
        return None
    return f"{status.st_size}:{status.st_mtime_ns}"


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """Yield a ``map`` over so many processes."""
    if workers <= 1:
        yield map
        return
    try:
        with ProcessPoolExecutor(workers, initializer=_start_worker) as pool:
            yield pool.map
    except BrokenProcessPool:
        raise StudyError("a packing process died, perhaps out of memory; run again") from None


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """End this worker when its parent is killed, which the pool by itself does not notice."""
    multiprocessing.parent_process().join()
    os._exit(1)
