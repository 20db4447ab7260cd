"""Label files: CSV as text, every cell of it, and checks that name file and row."""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NoReturn, TextIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from cxrlt_core.system.errors import StudyError, cut, nearest, shown

FIELD = 1 << 20  # characters of a cell
SIZE = 1 << 30  # bytes of a label file; the largest release has 0.1 GB

#: Marks beside 1 and 0; the options and the reader decide which label they become. OPEN is none of a file:
#: what the file says does not tell.
UNCERTAIN, BLANK, OPEN = -1, 2, 4

_INVALID = 3
_MARKS = {"": BLANK, "1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": UNCERTAIN, "-1.0": UNCERTAIN}

# An empty component (so also an absolute path), "." or "..", or a drive letter.
_LEAVES_ROOT = r"(?:^|[/\\])\.{0,2}(?:[/\\]|$)|^[A-Za-z]:"


@dataclass(frozen=True)
class LabelFile:
    """A CSV label file: every cell as text, one row per record, in file order, indexed by its number."""

    path: Path
    cells: pd.DataFrame
    read: set[str] = field(default_factory=set)  # columns that were asked for

    def __len__(self) -> int:
        return len(self.cells)

    def column(self, name: str) -> pd.Series:
        """Return a column; StudyError if it is missing."""
        if name not in self.cells:
            raise StudyError(f"{self.path}: missing column {name!r}")
        self.read.add(name)
        return self.cells[name]

    def codes(self, name: str) -> pd.Series:
        """Return a column of code words in one spelling: in capitals, without blanks around them."""
        return self.column(name).str.strip().str.upper()

    def numbers(self, name: str, letter: str = "") -> pd.Series:
        """Return a column of identifiers in one spelling: ``007`` and `` 7`` are ``7``.

        ``letter`` may stand before a number, in either case. StudyError for what is no number.
        """
        return self.extract(name, rf"(?i)^\s*(?:{letter})?0*([0-9]+)\s*$", "a number")[0]

    def fail(self, record: int, problem: str) -> NoReturn:
        """Raise StudyError for a record, naming the line on which it starts (the first is 1)."""
        with _explained(self.path):
            line, _ = next(islice(_records(self.path), record + 1, None), (None, []))
        position = f"row {line}" if line else f"record {record + 1}"
        raise StudyError(f"{self.path}: {position}: {problem}")

    def check(self, name: str, valid: np.ndarray | pd.Series, expected: str) -> None:
        """Raise StudyError for the first record whose cell in column ``name`` is not valid."""
        invalid = ~np.asarray(valid, bool)
        if invalid.any():
            at = int(invalid.argmax())
            found = shown(self.column(name).iloc[at])
            self.fail(self.cells.index[at], f"{name}: expected {expected}, found {found}")

    def only(self, kept: np.ndarray | pd.Series) -> "LabelFile":
        """Return some of the records, bool (N,), which keep their numbers."""
        return LabelFile(self.path, self.cells[np.asarray(kept, bool)], self.read)

    def extract(self, name: str, pattern: str, expected: str) -> pd.DataFrame:
        """Return the groups of a regular expression that every cell must match, one column each."""
        groups = self.column(name).str.extract(pattern)
        self.check(name, groups[0].notna(), expected)
        return groups

    def paths(self, name: str) -> pd.Series:
        """Return a column of relative paths that stay below the folder they start from."""
        paths = self.column(name)
        self.check(name, ~paths.str.contains(_LEAVES_ROOT), "a relative path without '..'")
        return paths

    def marks(self, names: Sequence[str]) -> pd.DataFrame:
        """Return label columns as int8: 1, 0, UNCERTAIN or BLANK; StudyError if one is missing, or not so."""
        for name in names:
            if name not in self.cells:
                near = nearest(name, [other for other in self.cells if other not in names])
                found = f", found {shown(near)}" if near else ""
                raise StudyError(f"{self.path}: missing column {name!r}{found}")
        return pd.DataFrame({name: self._marks(name) for name in names}, self.cells.index)

    def _marks(self, name: str) -> np.ndarray:
        codes, values = pd.factorize(self.column(name))
        marks = np.array([_MARKS.get(value.strip(), _INVALID) for value in values], np.int8)[codes]
        self.check(name, marks != _INVALID, "0, 1, -1 or blank")
        return marks

    def unread(self) -> dict[str, int]:
        """Return the columns of marks that nobody has asked for, and their positives."""
        others = [self.cells[name] for name in self.cells if name not in self.read]
        marks = [cells for cells in others if _are_marks(cells[:100]) and _are_marks(cells)]
        positives = {str(cells.name): int((cells.map(_MARKS) == 1).sum()) for cells in marks}
        return {name: count for name, count in positives.items() if 0 < count < len(self)}


def _are_marks(cells: pd.Series) -> bool:
    return bool(cells.isin([*_MARKS]).all())


def read_label_file(path: Path) -> LabelFile:
    """Read a CSV file, gzipped when its name ends in ``.gz``; StudyError names what is wrong with it."""
    with _explained(path):
        _check_size(path)
        skipped, names = _header(path)
        repeated = [name for name, count in Counter(names).items() if name and count > 1]
        if repeated:
            raise StudyError(f"{path}: column {shown(repeated[0])} appears twice")
        return LabelFile(path, _cells(path, names, skipped))


def read_lines(path: Path) -> list[str]:
    """Read a text file, gzipped or not: its lines without surrounding space, blank ones left out."""
    with _explained(path):
        _check_size(path)
        with _open(path) as stream:
            return [line.strip() for line in stream if line.strip()]


def _check_size(path: Path) -> None:
    """Refuse a file that is larger than any label file once unpacked, before it fills the memory."""
    size = path.stat().st_size
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as stream:
            size = 0
            while size <= SIZE and (block := stream.read(1 << 20)):
                size += len(block)
    if size > SIZE:
        raise StudyError(f"{path}: more than {SIZE >> 20:,} MiB of text, expected a label file")


def _header(path: Path) -> tuple[int, list[str]]:
    """Return the number of lines before the first record, and a name per value ("" for surplus values)."""
    head = list(islice(_records(path), 2))
    if len(head) < 2:
        raise StudyError(f"{path}: empty, expected a header and at least one row")
    (_, header), (row, values) = head
    # NIH has column names that contain a comma, quoted or not, and commas at the end of the lines.
    names = [name.strip() for name in ",".join(header).split(",")]
    while names and not names[-1]:
        names.pop()
    surplus = values[len(names) :]
    if len(values) < len(names) or any(surplus):
        raise _wrong_width(path, row, values, len(names))
    return row - 1, names + [""] * len(surplus)


def _cells(path: Path, names: list[str], skipped: int) -> pd.DataFrame:
    types = {name: pa.string() for name in names if name}
    read = pyarrow.csv.ReadOptions(column_names=names, skip_rows=skipped)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    convert = pyarrow.csv.ConvertOptions(column_types=types, include_columns=[*types])
    try:
        with pa.input_stream(str(path)) as stream:
            return pyarrow.csv.read_csv(stream, read, parse, convert).to_pandas()
    except pa.ArrowInvalid:
        for line, values in _records(path):
            if line > skipped and len(values) != len(names):
                raise _wrong_width(path, line, values, len(names)) from None
        raise


def _wrong_width(path: Path, line: int, values: list[str], expected: int) -> StudyError:
    return StudyError(f"{path}: row {line}: expected {expected} values, one per column, found {len(values)}")


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts (the first is 1) and its values."""
    with _open(path) as stream:
        csv.field_size_limit(FIELD)
        reader = csv.reader(stream)
        start = 1
        for values in reader:
            if values:
                yield start, values
            start = reader.line_num + 1


def _open(path: Path) -> TextIO:
    """Open a UTF-8 text file, with or without byte-order mark; gzipped if its name ends in ``.gz``."""
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", newline="")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the exceptions of a file that is not text or CSV into StudyError."""
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error, pa.ArrowInvalid) as error:
        message = cut(str(error).partition("\n")[0], 200)
        raise StudyError(f"{path}: not readable as UTF-8 text or CSV: {message}") from None


def find_file(folder: Path, *names: str) -> Path | None:
    """Return the file of a folder with one of the names, plain or with ``.gz``; StudyError if several."""
    candidates = (folder / (name + suffix) for name in names for suffix in ("", ".gz"))
    files = [path for path in candidates if path.exists()]
    if len(files) > 1:
        raise StudyError(f"{folder}: expected one file, found {' and '.join(path.name for path in files)}")
    return next(iter(files), None)


def find_matching(folder: Path, pattern: str) -> Path | None:
    """Return the file of a folder that a pattern names, gzipped or not, if any; StudyError if several.

    Copies of a release differ in their names.
    """
    files = sorted([*folder.glob(pattern), *folder.glob(f"{pattern}.gz")])
    if len(files) > 1:
        listed = ", ".join(path.name for path in files)
        raise StudyError(f"{folder}: expected one file {pattern}, found {listed}")
    return next(iter(files), None)


def find_split_files(
    folder: Path, names: Mapping[str, Sequence[str]], others: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Path]:
    """Return the label files of a folder with an official split, by set; a file alone is ``train``.

    ``others`` are sets that many copies of the release lack. StudyError: no training file, or one of the
    first is missing while an unknown CSV file may be it.
    """
    if not folder.is_dir():
        return {"train": folder}
    sets = {**names, **(others or {})}
    files = {split: path for split in sets if (path := find_file(folder, *sets[split]))}
    if "train" not in files:
        raise StudyError(f"{folder}: expected train.csv or train.csv.gz in this folder")
    missing = [names[split][0] for split in names if split not in files]
    unknown = {path for pattern in ("*.csv", "*.csv.gz") for path in folder.glob(pattern)} - {*files.values()}
    if missing and unknown:
        listed = ", ".join(sorted(path.name for path in unknown))
        raise StudyError(
            f"{folder}: no {' and no '.join(missing)}, yet {listed}: rename or remove it, "
            f"or let labels name train.csv itself for a study without the official split"
        )
    return files
