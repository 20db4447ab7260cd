"""What all readers share: a label file as text, its checks, and the common label table."""

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

from cxrlt_core.labels import CLASSES, NEGATIVE, POSITIVE, UNKNOWN
from cxrlt_core.system.errors import StudyError, cut, shown

FIELD = 1 << 20  # characters of a cell
SIZE = 1 << 30  # bytes of a label file; the largest release has 0.1 GB

#: States of a cell in a label column, before a reader decides what the last two mean.
UNCERTAIN, BLANK, INVALID = -1, 2, 3

_MARKS = {"": BLANK, "1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": UNCERTAIN, "-1.0": UNCERTAIN}

# An empty component (so also an absolute path), "." or "..", or a drive letter.
_LEAVES_ROOT = r"(?:^|[/\\])\.{0,2}(?:[/\\]|$)|^[A-Za-z]:"


#: Policy to the label of an uncertain mark.
POLICIES = {"ignore": UNKNOWN, "zero": NEGATIVE, "one": POSITIVE}

#: What ``views`` may say, and the views that it keeps.
VIEWS = {"all": ("PA", "AP", "LATERAL", "OTHER"), "frontal": ("PA", "AP")}


@dataclass(frozen=True)
class Options:
    """How a source is read, as its entry in ``data.sources`` says."""

    test_list: Path | None = None  # official list of test images
    uncertain: Mapping[str, str] = field(default_factory=lambda: {"default": "ignore"})
    views: str = "all"  # key of VIEWS

    def label_of_uncertain(self, name: str) -> int:
        """Return what an uncertain mark of a class becomes: 1, 0 or -1."""
        return POLICIES[self.uncertain.get(name, self.uncertain["default"])]


@dataclass(frozen=True)
class Harmonized:
    """The labels of one source in the common label space."""

    table: pd.DataFrame  # image_id … split as text (split may be missing), then int8 per class
    dropped: dict[str, int]  # reason to rows that the table leaves out
    uncertain: dict[str, int]  # known class to uncertain marks in the label files
    known: tuple[str, ...]  # classes that the source labels; the others are unknown throughout
    official: Mapping[str, str] = field(default_factory=dict)  # set to what brings it: a file, a list
    unused: str | None = None  # why a split that is there in part is not taken


@dataclass(frozen=True)
class LabelFile:
    """A CSV label file: every cell as text, one row a record, in file order."""

    path: Path
    cells: pd.DataFrame

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.cells)

    def column(self, name: str) -> pd.Series:
        """Return a column; StudyError when the file has none of that name."""
        if name not in self.cells:
            raise StudyError(f"{self.path}: missing column {name!r}")
        return self.cells[name]

    def fail(self, record: int, problem: str) -> NoReturn:
        """Raise StudyError for a record, naming its line as an editor counts (the first is 1)."""
        with _explained(self.path):
            found = next(islice(_records(self.path), record + 1, None), None)
        place = f"row {found[0]}" if found else f"record {record + 1}"
        raise StudyError(f"{self.path}: {place}: {problem}")

    def check(self, name: str, valid: np.ndarray | pd.Series, expected: str) -> None:
        """Raise StudyError for the first record whose cell in column ``name`` is not valid."""
        invalid = ~np.asarray(valid, bool)
        if invalid.any():
            record = int(invalid.argmax())
            found = self.column(name).iloc[record]
            self.fail(record, f"{name}: expected {expected}, found {shown(found)}")

    def extract(self, name: str, pattern: str, expected: str) -> pd.DataFrame:
        """Return the groups of a regular expression that every cell must match, a column each."""
        groups = self.column(name).str.extract(pattern)
        self.check(name, groups[0].notna(), expected)
        return groups

    def paths(self, name: str) -> pd.Series:
        """Return a column of relative paths, none of which leaves the folder it starts from."""
        paths = self.column(name)
        inside = ~paths.str.contains(_LEAVES_ROOT)
        self.check(name, inside, "a relative path without '..'")
        return paths

    def marks(self, classes: Sequence[str]) -> np.ndarray:
        """Return label columns as int8 (N, C): 1, 0, UNCERTAIN or BLANK."""
        return np.column_stack([self._marks(name) for name in classes])

    def _marks(self, name: str) -> np.ndarray:
        codes, values = pd.factorize(self.column(name))
        marks = np.array([_MARKS.get(value.strip(), INVALID) for value in values], np.int8)[codes]
        self.check(name, marks != INVALID, "0, 1, -1 or blank")
        return marks


@dataclass(frozen=True)
class Part:
    """What one label file contributes; the index of ``table`` is the record in ``file``."""

    file: LabelFile
    table: pd.DataFrame
    dropped: Mapping[str, int]
    uncertain: Mapping[str, int]


def read_label_file(path: Path) -> LabelFile:
    """Read a CSV file, or a gzipped one when its name ends in ``.gz``.

    Raises:
        StudyError: not readable as UTF-8 CSV, no records, a column name twice, or a row with
            another number of values than the header has names.
    """
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
    with _explained(path), _open(path) as stream:
        return [line.strip() for line in stream if line.strip()]


def _check_size(path: Path) -> None:
    """Refuse a file that grows beyond all label files as it is unpacked, before it takes the memory."""
    found = path.stat().st_size
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as stream:
            found = 0
            while found <= SIZE and (block := stream.read(1 << 20)):
                found += len(block)
    if found > SIZE:
        raise StudyError(f"{path}: more than {SIZE >> 20:,} MiB of text, expected a label file")


def _header(path: Path) -> tuple[int, list[str]]:
    """Return the lines before the first record and the header's names, padded with "" to its values."""
    head = list(islice(_records(path), 2))
    if len(head) < 2:
        raise StudyError(f"{path}: empty, expected a header and at least one row")
    (_, header), (row, values) = head
    # NIH has names with a comma inside, quoted or not, and commas at the end of the lines.
    names = [name.strip() for name in ",".join(header).split(",")]
    while names and not names[-1]:
        names.pop()
    surplus = values[len(names) :]
    if len(values) < len(names) or any(surplus):
        raise StudyError(_wrong_width(path, row, len(values), len(names)))
    return row - 1, names + [""] * len(surplus)


def _cells(path: Path, names: list[str], skipped: int) -> pd.DataFrame:
    named = [name for name in names if name]
    options = (
        pyarrow.csv.ReadOptions(column_names=names, skip_rows=skipped),
        pyarrow.csv.ParseOptions(newlines_in_values=True),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(named, pa.string()),
            include_columns=named,
            strings_can_be_null=False,
        ),
    )
    try:
        with pa.input_stream(str(path)) as stream:
            return pyarrow.csv.read_csv(stream, *options).to_pandas()
    except pa.ArrowInvalid:
        _check_widths(path, len(names), skipped)
        raise


def _check_widths(path: Path, expected: int, skipped: int) -> None:
    """Raise StudyError for the first record with another number of values."""
    for line, values in _records(path):
        if line > skipped and len(values) != expected:
            raise StudyError(_wrong_width(path, line, len(values), expected))


def _wrong_width(path: Path, line: int, found: int, expected: int) -> str:
    return f"{path}: row {line}: expected {expected} values, one per column, found {found}"


def _records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line on which each record starts, as an editor counts, and its values."""
    with _open(path) as stream:
        csv.field_size_limit(FIELD)
        reader = csv.reader(stream)
        start = 1
        for values in reader:
            if values:
                yield start, values
            start = reader.line_num + 1


def _open(path: Path) -> TextIO:
    """Open a UTF-8 text file, with or without byte-order mark, gzipped if its name says so."""
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig", newline="")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what a file that is no text or CSV may raise into a StudyError."""
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error, pa.ArrowInvalid) as error:
        words = cut(str(error).partition("\n")[0], 200)
        raise StudyError(f"{path}: not readable as UTF-8 text or CSV: {words}") from None


def find_file(folder: Path, *names: str) -> Path | None:
    """Return the one of the names, plain or with ``.gz`` behind, that the folder has, None without any.

    Raises:
        StudyError: several are there, and nothing says which one counts.
    """
    candidates = (folder / (name + suffix) for name in names for suffix in ("", ".gz"))
    found = [path for path in candidates if path.exists()]
    if len(found) > 1:
        raise StudyError(f"{folder}: expected one file, found {' and '.join(path.name for path in found)}")
    return next(iter(found), None)


def refuse_other_files(folder: Path, found: Mapping[str, Path | None]) -> None:
    """Raise StudyError for a CSV file that may be what brings the split that the folder lacks.

    Args:
        folder: with the label files.
        found: the name that was looked for, and its file; None where there is none.
    """
    lacking = [name for name, path in found.items() if path is None]
    others = {path.name for pattern in ("*.csv", "*.csv.gz") for path in folder.glob(pattern)}
    others -= {path.name for path in found.values() if path is not None}
    if lacking and others:
        raise StudyError(
            f"{folder}: no {' and no '.join(lacking)}, yet {', '.join(sorted(others))}: rename or remove it, "
            f"or let labels name train.csv itself for a study without the official split"
        )


def refuse_test_list(source: str, test_list: Path | None) -> None:
    """Raise StudyError for a test list that the source would not read."""
    if test_list is not None:
        raise StudyError(f"data.sources.{source}.test_list: only nih has one, found {test_list}")


def make_part(
    file: LabelFile,
    source: str,
    columns: Mapping[str, pd.Series | str | None],
    known: Sequence[str],
    marks: np.ndarray,
    options: Options,
    *,
    blank: int = UNKNOWN,
) -> Part:
    """Build the label table of one file; records without any mark, or of other views, are dropped.

    Args:
        file: the label file.
        source: the name that ids are prefixed with.
        columns: ``path``, ``patient_id``, ``study_id`` (both without prefix), ``view``, ``split``
            (None where there is no official one).
        known: the classes of ``marks``.
        marks: int8 (N, C), as :meth:`LabelFile.marks` gives them.
        options: decide on uncertain marks and on views.
        blank: label of a blank cell.
    """
    labels = np.full((len(file), len(CLASSES)), UNKNOWN, np.int8)
    uncertain = np.array([options.label_of_uncertain(name) for name in known], np.int8)
    decided = np.where(marks == UNCERTAIN, uncertain, np.where(marks == BLANK, blank, marks))
    labels[:, [CLASSES.index(name) for name in known]] = decided
    text = pd.DataFrame(
        {
            "image_id": f"{source}/" + columns["path"],
            "patient_id": f"{source}/" + columns["patient_id"],
            "study_id": f"{source}/" + columns["study_id"],
            "view": columns["view"],
            "path": columns["path"],
            "split": pd.Series(columns["split"], file.cells.index, dtype="str"),
        }
    )
    table = pd.concat([text, pd.DataFrame(labels, columns=CLASSES)], axis=1)
    dropped = _dropped(table["view"], (marks != BLANK).any(axis=1), options.views)
    kept = dropped.isna().to_numpy()
    counts = (marks[kept] == UNCERTAIN).sum(axis=0).tolist()
    reasons = {f"{file.path.name}: {reason}": int(n) for reason, n in dropped.value_counts().items()}
    return Part(file, table[kept], reasons, dict(zip(known, counts, strict=True)))


def _dropped(view: pd.Series, marked: np.ndarray, views: str) -> pd.Series:
    """Return why each record is dropped, missing where it is kept."""
    reason = ("view " + view).mask(view.isin(VIEWS[views]))
    return reason.where(marked, "no label")


def join_parts(parts: Sequence[Part], known: Sequence[str]) -> Harmonized:
    """Join the files of a source.

    Raises:
        StudyError: an image that is there twice, within a file or in two; no labelled row.
    """
    table = pd.concat([part.table for part in parts], keys=range(len(parts)))
    if table.empty:
        reasons = {reason: rows for part in parts for reason, rows in part.dropped.items()}
        found = ", ".join(f"{rows} × {reason}" for reason, rows in reasons.items())
        raise StudyError(f"{parts[0].file.path}: no row is left, dropped: {found}")
    repeated = table["image_id"].duplicated()
    if repeated.any():
        part, record = table.index[repeated][0]
        image = table.loc[(part, record), "path"]
        parts[part].file.fail(record, f"image {shown(image)} is there twice, expected it once")
    return Harmonized(
        table=table.reset_index(drop=True),
        dropped={reason: rows for part in parts for reason, rows in part.dropped.items()},
        uncertain={name: sum(part.uncertain[name] for part in parts) for name in known},
        known=tuple(known),
    )


def summarise(table: pd.DataFrame) -> dict[str, object]:
    """Count a label table: images, patients, studies, and the labels of each class it has.

    Returns:
        ``{"images", "patients", "studies", "views": {view: images}, "classes": {class: {"positive",
        "negative", "unknown"}}}``, plain numbers ready for JSON.
    """
    states = {"positive": POSITIVE, "negative": NEGATIVE, "unknown": UNKNOWN}
    return {
        "images": int(table["image_id"].nunique()),
        "patients": int(table["patient_id"].nunique()),
        "studies": int(table["study_id"].nunique()),
        "views": {view: int((table["view"] == view).sum()) for view in VIEWS["all"]},
        "classes": {
            name: {state: int((table[name] == value).sum()) for state, value in states.items()}
            for name in CLASSES
            if name in table
        },
    }
