"""Decode and resize every image of a source once, into one uint8 array that training maps.

Three files: the array ``<name>.npy``, uint8 (N, size, size); beside it a record of what is on disk, from
which an interrupted run goes on (:mod:`cxrlt_core.packing.record`); and the index, which tells a reader the
row of each image and what it holds. Whoever packs holds the array's lock until the index is written.

A run decodes only images that the record lacks, those whose file has changed since and those whose row is
not the one that was written; an image whose file has gone stays packed, and a rejected one is tried again.
After a change of what decodes (:mod:`cxrlt_core.packing.decoder`) or of the folder it decodes them all, or
touches nothing where files are gone.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from cxrlt_core.packing.decode import Geometry, decode
from cxrlt_core.packing.files import ImageFiles, file_stamp, file_stamps, find_files
from cxrlt_core.packing.packed_array import digest
from cxrlt_core.packing.record import PackRecord, open_record
from cxrlt_core.system.errors import Stopped, StudyError
from cxrlt_core.system.files import write_text
from cxrlt_core.system.processes import termination
from cxrlt_core.system.progress import progress

CHUNK = 32  # images that a worker takes at a time
RECORD_SECONDS = 10.0  # a kill loses at most this much work


def pack_images(images: ImageFiles, array: Path, geometry: Geometry, workers: int) -> pd.DataFrame:
    """Pack images into ``array``, whose row i is image i, with so many processes, and return the index.

    Rows that are already packed are found by their names; that of a rejected image stays zero. The index
    has a row per image: ``image_id``, ``row``, ``reason`` (null if packed) and ``digest`` of the pixels
    (both others null if rejected). StudyError if a path leaves the source's folder, a folder is absent or
    cannot be read, images that must be packed again are gone, or the disk is full.
    """
    try:
        files = find_files(images.paths, images.root, images.folders)
        stamps = file_stamps(files)
        record = open_record(array, images, geometry, stamps)
        record.forget(stamps)
        reasons = _fill(record, files, geometry, workers)
    except OSError as error:
        raise StudyError(f"{error.filename or array}: {error.strerror or error}") from None
    index = pd.DataFrame({"image_id": record.ids, "row": pd.array(np.arange(len(reasons)), dtype="Int64")})
    index["reason"] = pd.array(reasons, dtype="string")
    index["digest"] = pd.array(record.digests, dtype="string")
    index.loc[index["reason"].notna(), "row"] = pd.NA
    return index


def check_rejects(index: pd.DataFrame, limit: float, key: str, listed: Path) -> None:
    """Name the rejected images of an index, and on the screen an example of the ten commonest reasons.

    ``listed`` is a CSV of image and reason, removed where none is rejected; it belongs where the array
    lies. StudyError, which begins with ``key``, when more than the share ``limit`` are rejected.
    """
    rejected = index.loc[index["reason"].notna(), ["image_id", "reason"]]
    if rejected.empty:
        listed.unlink(missing_ok=True)
        return
    write_text(listed, rejected.to_csv(index=False))
    first = rejected.drop_duplicates("reason").set_index("reason")["image_id"]
    counts = Counter(rejected["reason"]).most_common(10)
    reasons = ", ".join(f"{n} × {reason} ({first[reason]})" for reason, n in counts)
    line = f"{key}: {len(rejected)} of {len(index)} images rejected"
    if len(rejected) > limit * len(index):
        raise StudyError(f"{line}, more than image.max_rejects {limit}: {reasons}; all are in {listed}")
    print(f"{line}: {reasons}; all are in {listed}", flush=True)


@dataclass(frozen=True)
class _Item:
    """One image for a worker."""

    row: int
    file: str | None  # None: not in any folder
    stamp: str | None  # of the file that the row holds already
    digest: str | None


#: Stamp and digest of an image that is packed, and the reason where it is rejected.
_Result = tuple[str | None, str | None, str | None]


def _fill(record: PackRecord, files: list[str | None], geometry: Geometry, workers: int) -> list[str | None]:
    """Pack all images that the record lacks; return the reason of each rejection, None elsewhere."""
    items = list(map(_Item, range(len(files)), files, record.stamps, record.digests))
    chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
    reasons: list[str | None] = []
    saved = time.monotonic()
    bar = progress(len(items), "images", f"pack {record.array.stem}")
    with bar, termination() as asked, _mapper(min(workers, len(chunks))) as map_chunks:
        try:
            for results in map_chunks(partial(_pack_chunk, record.array, geometry), chunks):
                rows = slice(len(reasons), len(reasons) + len(results))
                record.stamps[rows], record.digests[rows], rejected = zip(*results, strict=True)
                reasons += rejected
                bar.update(len(results))
                if time.monotonic() - saved > RECORD_SECONDS:
                    record.save()
                    saved = time.monotonic()
                if asked.code:
                    done = f"{len(record.packed_rows):,} of {len(files):,} images are packed"
                    raise Stopped(asked.code, done)
        finally:
            record.save()
    return reasons


def _pack_chunk(array: Path, geometry: Geometry, chunk: list[_Item]) -> list[_Result]:
    """Write the rows of some images."""
    offset = open_memmap(array, mode="r").offset
    # Written, not mapped: a full disk is then an error instead of a dead process.
    with array.open("r+b") as out:

        def write(row: int, image: np.ndarray) -> None:
            out.seek(offset + row * image.nbytes)
            out.write(image)

        return [_pack_image(item, geometry, write) for item in chunk]


def _pack_image(item: _Item, geometry: Geometry, write: Callable[[int, np.ndarray], None]) -> _Result:
    stamp = file_stamp(item.file)
    if item.stamp and stamp in (item.stamp, None):
        return item.stamp, item.digest, None
    try:
        if item.file is None:
            raise StudyError("file not found")
        image = decode(item.file, geometry)
        result = stamp, digest(image), None
    except StudyError as error:
        image, result = np.zeros(geometry.shape, np.uint8), (None, None, str(error))
    write(item.row, image)
    return result


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
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the pool ends its workers by it; not the parent's handler
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """End this worker when its parent is killed, which the pool by itself does not notice."""
    multiprocessing.parent_process().join()
    os._exit(1)
