"""What of a packed array is on disk already: a record beside the array, from which a run goes on.

The record stamps each packed image with the size and time of its file and keeps the digest of its
pixels, by which rows that have changed on disk are found. It is replaced as a whole, after the rows
that it names have reached the disk. It also says by which decoder and from which folder the rows were
packed: those of another one are packed anew, all or none.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from cxrlt_core.packing.decode import Geometry
from cxrlt_core.packing.decoder import decoder
from cxrlt_core.packing.files import ImageFiles
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

    def save(self) -> None:
        """Flush the array, then name its finished rows, so that no row is named too early."""
        _flush(self.array)
        stamps, digests = (pd.array(texts, dtype="string") for texts in (self.stamps, self.digests))
        table = pd.DataFrame({"image_id": self.ids, "stamp": stamps, "digest": digests})
        write_parquet(record_path(self.array), table, {"settings": self.settings})

    def drop_damaged(self) -> int:
        """Take rows that have other pixels now for not packed, and return how many they are."""
        packed = self.packed_rows.tolist()
        if not packed:
            return 0
        damaged = damaged_rows(map_array(self.array), packed, [self.digests[row] for row in packed])
        for row in damaged:
            self.stamps[row] = self.digests[row] = None
        return len(damaged)

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
    """Return whether an array holds each of these images already, by this decoder and from this folder."""
    record = _read(array, geometry.size)
    if record is None or record.settings != _settings(root, geometry) or record.ids != list(ids):
        return False
    return not record.drop_damaged() and len(record.packed_rows) == len(record.ids)


def open_record(
    array: Path, images: ImageFiles, geometry: Geometry, stamps: Sequence[str | None]
) -> PackRecord:
    """Return the record of an array that holds these images, laid out anew if it did not.

    ``stamps`` are of the file of each image, None where there is none. StudyError, before anything is
    touched, if rows would be lost whose files are gone, if nothing is packed and no file is there, or if
    the disk has no room.
    """
    ids, settings = list(images.ids), _settings(images.root, geometry)
    old = _read(array, geometry.size) or PackRecord(array, [], [], [], settings)
    if ids:
        _check_files(old, images, stamps, settings)
    if old.settings != settings:
        old = PackRecord(array, [], [], [], settings)
    if damaged := old.drop_damaged():
        print(f"{array}: {damaged} rows are not what was packed, packing them again", flush=True)
    if ids and old.ids == ids:
        return old
    old_rows = {name: row for row, name in enumerate(old.ids) if old.stamps[row]}
    sources = [old_rows.get(name) for name in ids]
    _lay_out(array, sources, geometry.size)
    record = PackRecord(array, ids, _take(old.stamps, sources), _take(old.digests, sources), settings)
    record.save()
    return record


def _settings(root: Path, geometry: Geometry) -> str:
    return json.dumps({"decoder": decoder(), **asdict(geometry), "root": str(root)})


def _check_files(old: PackRecord, images: ImageFiles, stamps: Sequence[str | None], settings: str) -> None:
    """Raise StudyError if packing would lose rows for ever, or has nothing to begin with."""
    packed = {old.ids[row] for row in old.packed_rows}
    gone = [name for name, stamp in zip(images.ids, stamps, strict=True) if stamp is None and name in packed]
    before, root = json.loads(old.settings), images.root
    if not any(stamps) and not (gone and before.get("root") == str(root)):
        what = f"none of {len(stamps)} images is in {root}" if root.is_dir() else f"{root}: no such folder"
        raise StudyError(f"{images.key}: {what}, and {old.array} holds nothing that was packed from it")
    if gone and old.settings != settings:
        other = before.get("root") != str(root)
        how = f"from {before.get('root')}" if other else f"by another decoder ({before.get('decoder')})"
        raise StudyError(
            f"{images.key}: {len(gone)} of {len(packed)} images that {old.array} holds, packed {how}, are "
            f"not in {root}, the first is {gone[0]}; expected all, to be packed again, or the array removed"
        )


def _take(values: list[str | None], rows: list[int | None]) -> list[str | None]:
    return [None if row is None else values[row] for row in rows]


def _read(array: Path, size: int) -> PackRecord | None:
    """Return the record beside an array, None if there is none that fits; its rows are not compared yet."""
    path = record_path(array)
    try:
        table, metadata = read_parquet(path), read_parquet_metadata(path)
    except (StudyError, OSError, ValueError):  # absent, or torn by a power cut
        return None
    pixels = map_array(array)
    if "settings" not in metadata or pixels is None or pixels.shape != (len(table), size, size):
        return None
    stamps, digests = (list(map(text_or_none, table[name])) for name in ("stamp", "digest"))
    return PackRecord(array, table["image_id"].tolist(), stamps, digests, metadata["settings"])


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
