"""Atomic writes: a file is written under a temporary name and renamed, so a reader never sees half of one.

pandas and pyarrow are loaded by the functions that need them: many who write a JSON file need neither.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlt_core.system.errors import StudyError, reason

if TYPE_CHECKING:
    import pandas as pd

REMEDY = "remove it and run dvc repro"  # which takes it from the cache, or makes it again


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` that replaces it if the block ends without an error.

    StudyError when the disk is full or read-only, or does not take the file for another reason.
    """
    path = Path(path)
    with _in_words(path):
        draft = _draft(path)
        try:
            yield draft
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``path`` if the block ends without an error.

    A killed process leaves the old folder, the new one or none, never a part of one. A link is replaced,
    and what it points to stays. StudyError as of :func:`atomic`.
    """
    path = Path(path)
    with _in_words(path):
        draft, old = _draft(path), _draft(path, "old")
        shutil.rmtree(draft, ignore_errors=True)  # of a killed process of the same number
        draft.mkdir()
        try:
            yield draft
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                path.rename(old)
            draft.rename(path)
        finally:
            for folder in (draft, old):
                shutil.rmtree(folder, ignore_errors=True)


def remove_drafts(folder: Path | str, name: str | None = None) -> None:
    """Remove what killed processes had begun to write into a folder, of one name or of any."""
    for path in Path(folder).glob(".*.tmp" if name is None else f".{escape(name)}.*.tmp"):
        if not _runs(path.name.split(".")[-2]):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _draft(path: Path, kind: str = "new") -> Path:
    """Return the name under which this process writes a file or folder; those of killed ones are removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_drafts(path.parent, path.name)
    return path.with_name(f".{path.name}.{kind}.{os.getpid()}.tmp")


def _runs(writer: str) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(int(writer), 0)
    except (ProcessLookupError, OverflowError, ValueError):  # the others: no number
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what the system raises into a StudyError that names the file."""
    try:
        yield
    except OSError as error:
        words, full = os.strerror(error.errno) if error.errno else reason(error), os.strerror(errno.ENOSPC)
        advice = "; free some space and run again" if full in words else ""
        raise StudyError(f"{path}: cannot be written: {words}{advice}") from None


@contextmanager
def readable(path: Path | str, kind: str, damage: type[Exception] = ValueError) -> Iterator[None]:
    """Turn what a damaged file raises, such as the ValueErrors of JSON and Arrow, into a StudyError."""
    try:
        yield
    except (OSError, damage) as error:
        raise StudyError(f"{path}: not readable as {kind}: {reason(error)}; {REMEDY}") from None


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text with LF line ends."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path | str, content: Any) -> None:
    """Write indented JSON; NaN is not JSON and raises ValueError, so write ``None`` for it."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file written by another stage."""
    with readable(existing(path), "JSON"):
        return json.loads(Path(path).read_text(encoding="utf-8"))


def write_parquet(path: Path | str, table: "pd.DataFrame", metadata: dict[str, str] | None = None) -> None:
    """Write a table without its index; the same table gives the same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), **(metadata or {})})
    with atomic(path) as temporary:
        pq.write_table(arrow, temporary, compression="zstd")


def read_parquet(path: Path | str, columns: list[str] | None = None) -> "pd.DataFrame":
    """Read a table written by :func:`write_parquet`."""
    import pyarrow.parquet as pq

    with readable(existing(path), "Parquet"):
        return pq.read_table(path, columns=columns).to_pandas()


def read_parquet_metadata(path: Path | str) -> dict[str, str]:
    """Return the text metadata that :func:`write_parquet` stored."""
    import pyarrow.parquet as pq

    with readable(existing(path), "Parquet"):
        raw = pq.read_schema(path).metadata or {}
    return {key.decode(): value.decode() for key, value in raw.items()}


def existing(path: Path | str) -> Path:
    """Return ``path`` as a Path, or raise StudyError when there is no such file or folder."""
    path = Path(path)
    if not path.exists():
        raise StudyError(f"{path}: no such file or folder")
    return path


def file_hash(path: Path | str) -> str:
    """Return the SHA-256 of a file."""
    with existing(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
