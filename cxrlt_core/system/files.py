"""Files between stages, written whole and read back: text, JSON and tables.

pandas and pyarrow are loaded by the functions that need them: many who write a JSON file need neither.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.errors import StudyError, reason

if TYPE_CHECKING:
    import pandas as pd

REMEDY = "remove it and run dvc repro"  # which takes it from the cache, or makes it again


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
