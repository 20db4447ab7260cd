"""What of a packed array is on disk already: a record beside the array, from which a run goes on.

The record stamps each packed image with the size and time of its file and keeps the digest of its
pixels, by which rows that have changed on disk are found. It is replaced as a whole, after the rows
that it names have reached the disk.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from cxrlt_core.packing.decode import VERSION, Geometry
from cxrlt_core.packing.packed_array import damaged_rows, map_array, record_path, text_or_none
from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_parquet, read_parquet_metadata, write_parquet


@dataclass
class PackRecord:
    """What is on disk, per image: stamp of the file that its row was made from, and digest."""

    array: Path
    ids: list[str]
    stamps: list[str | None]  # None: not packed
    digests: list[str | None]
    settings: str  # rows made with other settings are worthless
    damaged: list[int] = field(default_factory=list)  # rows that were packed and have other pixels now

    def save(self) -> None:
        """Flush the array, then name its finished rows, so that no row is named too early."""
        _flush(self.array)
        stamps, digests = (pd.array(texts, dtype="string") for texts in (self.stamps, self.digests))
        table = pd.DataFrame({"image_id": self.ids, "stamp": stamps, "digest": digests})
        write_parquet(record_path(self.array), table, {"settings": self.settings})

    def forget(self, stamps: Sequence[str | None]) -> None:
        """Forget the rows of which the file is another one now, on disk, too, before they are written anew.

        ``stamps`` are of the file of each row, None where there is none.
        """
        changed = [row for row in self.packed_rows if stamps[row] not in (None, self.stamps[row])]
        for row in changed:
            self.stamps[row] = self.digests[row] = None
        if changed:
            self.save()

    @property
    def packed_rows(self) -> np.ndarray:
        """Rows that have a stamp."""
        return np.flatnonzero([stamp is not None for stamp in self.stamps])


def is_packed(array: Path, ids: Sequence[str], root: Path, geometry: Geometry) -> bool:
    """Return whether an array holds each of these images already; arguments as in :func:`open_record`."""
    record = _read(array, _settings(root, geometry))
    return record is not None and record.ids == list(ids) and len(record.packed_rows) == len(record.ids)


def open_record(array: Path, ids: Sequence[str], root: Path, geometry: Geometry) -> PackRecord:
    """Return the record of an array that holds these images, laid out anew if it did not.

    ``root`` is the folder of the source's images. StudyError if the disk has no room for the array.
    """
    settings = _settings(root, geometry)
    ids = list(ids)
    old = _read(array, settings) or PackRecord(array, [], [], [], settings)
    if old.damaged:
        print(f"{array}: {len(old.damaged)} rows are not what was packed, packing them again", flush=True)
    if ids and old.ids == ids:
        return old
    old_rows = {name: row for row, name in enumerate(old.ids) if old.stamps[row]}
    sources = [old_rows.get(name) for name in ids]
    _lay_out(array, sources, geometry.size)
    record = PackRecord(array, ids, _take(old.stamps, sources), _take(old.digests, sources), settings)
    record.save()
    return record


def _settings(root: Path, geometry: Geometry) -> str:
    return json.dumps({"decoder": VERSION, **asdict(geometry), "root": str(root)})


def _take(values: list[str | None], rows: list[int | None]) -> list[str | None]:
    return [None if row is None else values[row] for row in rows]


def _read(array: Path, settings: str) -> PackRecord | None:
    """Return the record beside an array, None if there is none that fits."""
    path = record_path(array)
    try:
        table, metadata = read_parquet(path), read_parquet_metadata(path)
    except (StudyError, OSError, ValueError):  # absent, or torn by a power cut
        return None
    pixels = map_array(array)
    size = json.loads(settings)["size"]
    if metadata.get("settings") != settings or pixels is None or pixels.shape != (len(table), size, size):
        return None
    stamps, digests = (list(map(text_or_none, table[name])) for name in ("stamp", "digest"))
    record = PackRecord(array, table["image_id"].tolist(), stamps, digests, settings)
    packed = record.packed_rows.tolist()
    record.damaged = damaged_rows(pixels, packed, [digests[row] for row in packed])
    for row in record.damaged:
        stamps[row] = digests[row] = None
    return record


def read_stamps(array: Path) -> dict[str, str]:
    """Return the stamp of each packed image by its id, from the record beside an array."""
    table = read_parquet(record_path(array), ["image_id", "stamp"]).dropna()
    return dict(zip(table["image_id"], table["stamp"], strict=True))


def _lay_out(array: Path, sources: list[int | None], size: int) -> None:
    """Write an array whose row i is row ``sources[i]`` of the present one, or zero where None."""
    array.parent.mkdir(parents=True, exist_ok=True)
    needed, free = len(sources) * size**2, shutil.disk_usage(array.parent).free
    if needed > free:
        raise StudyError(f"{array}: needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free")
    with atomic(array) as draft:
        offset = open_memmap(draft, "w+", np.uint8, (len(sources), size, size)).offset
        copies = [(row, source) for row, source in enumerate(sources) if source is not None]
        if copies:
            present = open_memmap(array, mode="r")
            with draft.open("r+b") as file:
                for row, source in copies:
                    file.seek(offset + row * size**2)
                    file.write(present[source])
        # Without a record a kill here costs time; with the old one it would cost truth.
        record_path(array).unlink(missing_ok=True)
    _flush(array.parent)


def _flush(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, have reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
