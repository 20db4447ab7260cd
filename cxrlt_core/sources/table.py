"""The common label table, as every reader makes it of its label files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.labels import CLASSES, NEGATIVE, POSITIVE, UNKNOWN
from cxrlt_core.sources.label_file import BLANK, UNCERTAIN, LabelFile
from cxrlt_core.system.errors import StudyError, meant, shown

#: Columns of the common table before those of the classes.
TEXT = ("image_id", "patient_id", "study_id", "view", "path", "split")

#: No Finding excludes every class but devices.
NO_FINDING, DEVICES = "No Finding", "Support Devices"

#: Policy to the label of an uncertain mark.
POLICIES = {"ignore": UNKNOWN, "zero": NEGATIVE, "one": POSITIVE}

#: Value of ``views`` to the views that it keeps.
VIEWS = {"all": ("PA", "AP", "LATERAL", "OTHER"), "frontal": ("PA", "AP")}


@dataclass(frozen=True)
class Options:
    """How to read a source: part of its entry in ``data.sources``."""

    test_list: Path | None = None  # official list of test images
    uncertain: Mapping[str, str] = field(default_factory=lambda: {"default": "ignore"})
    views: str = "all"  # key of VIEWS

    def label_of_uncertain(self, name: str) -> int:
        """Return the label that replaces an uncertain mark of a class: 1, 0 or -1."""
        return POLICIES[self.uncertain.get(name, self.uncertain["default"])]


@dataclass(frozen=True)
class Harmonized:
    """The labels of one source in the common label space."""

    table: pd.DataFrame  # image_id … split as text (split may be missing), then int8 per class
    dropped: dict[str, int]  # reason to number of rows left out
    uncertain: dict[str, int]  # known class to number of uncertain marks
    known: tuple[str, ...]  # classes that the source labels; the others are unknown throughout
    official: Mapping[str, str] = field(default_factory=dict)  # set to the file that defines it
    unused: str | None = None  # why an incomplete official split is ignored
    unread: Mapping[str, int] = field(default_factory=dict)  # columns of marks left out, to their positives


@dataclass(frozen=True)
class LabelRows:
    """The rows of one label file."""

    file: LabelFile
    table: pd.DataFrame  # as in Harmonized, indexed by the record in the file
    dropped: Mapping[str, int]
    uncertain: Mapping[str, int]
    unread: Mapping[str, int]


def refuse_test_list(source: str, test_list: Path | None) -> None:
    """Raise StudyError for a test list that the source would not read."""
    if test_list is not None:
        raise StudyError(f"data.sources.{source}.test_list: only nih has one, found {test_list}")


def make_part(
    file: LabelFile,
    source: str,
    columns: Mapping[str, pd.Series | str | None],
    marks: pd.DataFrame,
    options: Options,
    *,
    blank: int = UNKNOWN,
) -> LabelRows:
    """Build the label table of one file.

    Records without any mark, of other views, or with No Finding beside a finding are dropped. Of patients
    neither case nor blanks around their name count.

    ``columns`` are ``path``, ``patient_id``, ``study_id`` (both without the prefix, ``source``), ``view``
    and ``split`` (None without an official one); ``marks`` has a column per known class, as from
    :meth:`LabelFile.marks`; ``blank`` is the label of a blank cell. StudyError for a mark of what is no
    class, and for a record without a patient or a study.
    """
    known, marks = list(marks), marks.to_numpy()
    check_classes(source, known)
    patient, study = columns["patient_id"].str.strip().str.lower(), columns["study_id"].str.strip()
    for what, names in (("patient", patient), ("study", study)):
        if (nameless := (names == "").to_numpy()).any():
            file.fail(int(nameless.argmax()), f"no {what}, expected the name of one")
    labels = np.full((len(file), len(CLASSES)), UNKNOWN, np.int8)
    uncertain = np.array([options.label_of_uncertain(name) for name in known], np.int8)
    known_labels = np.where(marks == UNCERTAIN, uncertain, np.where(marks == BLANK, blank, marks))
    labels[:, [CLASSES.index(name) for name in known]] = known_labels
    text = pd.DataFrame(
        {
            "image_id": f"{source}/" + columns["path"],
            "patient_id": f"{source}/" + patient,
            "study_id": f"{source}/" + study,
            "view": columns["view"],
            "path": columns["path"],
            "split": pd.Series(columns["split"], file.cells.index, dtype="str"),
        }
    )
    table = pd.concat([text, pd.DataFrame(labels, columns=CLASSES)], axis=1)
    reason = ("view " + table["view"]).mask(table["view"].isin(VIEWS[options.views]))
    reason = reason.mask(_contradict(known, marks), "No Finding beside a finding")
    reason = reason.where((marks != BLANK).any(axis=1), "no label")  # missing where the record is kept
    kept = reason.isna().to_numpy()
    counts = (marks[kept] == UNCERTAIN).sum(axis=0).tolist()
    dropped = {f"{file.path.name}: {why}": int(rows) for why, rows in reason.value_counts().items()}
    return LabelRows(file, table[kept], dropped, dict(zip(known, counts, strict=True)), file.unread())


def check_classes(source: str, names: Sequence[str]) -> None:
    """Raise StudyError unless there are names, each of a class of the label space and there once."""
    reader = f"cxrlt_core/sources/{source}.py"
    if not names:
        raise StudyError(f"{reader}: gives no labels, expected some class of the label space")
    for name in names:
        if name not in CLASSES:
            raise StudyError(f"{reader}: {shown(name)} is no class of the label space{meant(name, CLASSES)}")
        if names.count(name) > 1:
            raise StudyError(f"{reader}: gives labels of {name!r} twice, expected one column of them")


def _contradict(known: Sequence[str], marks: np.ndarray) -> np.ndarray:
    """Return which records, bool (N,), have No Finding and a finding; marks are (N, known)."""
    findings = [name not in (NO_FINDING, DEVICES) for name in known]
    normal = [name == NO_FINDING for name in known]
    return (marks[:, normal] == POSITIVE).any(axis=1) & (marks[:, findings] == POSITIVE).any(axis=1)


def join_parts(parts: Sequence[LabelRows]) -> Harmonized:
    """Join the files of a source; StudyError when an image occurs twice, or no row is labelled."""
    table = _apart(pd.concat([part.table for part in parts], keys=range(len(parts))))
    dropped = {reason: rows for part in parts for reason, rows in part.dropped.items()}
    if table.empty:
        listed = ", ".join(f"{rows} × {reason}" for reason, rows in dropped.items())
        raise StudyError(f"{parts[0].file.path}: no row is left, dropped: {listed}")
    repeated = table["image_id"].duplicated()
    if repeated.any():
        part, record = table.index[repeated][0]
        image = table.loc[(part, record), "path"]
        parts[part].file.fail(record, f"image {shown(image)} is there twice, expected it once")
    known = tuple(name for name in CLASSES if name in parts[0].uncertain)
    uncertain = {name: sum(part.uncertain[name] for part in parts) for name in known}
    unread = Counter[str]()
    for part in parts:
        unread.update(part.unread)
    return Harmonized(table.reset_index(drop=True), dropped, uncertain, known, unread=unread)


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return a label table in which a study name that patients share has the patient's before it."""
    pairs = table[["study_id", "patient_id"]].drop_duplicates()
    shared = table["study_id"].isin(pairs["study_id"][pairs["study_id"].duplicated()])
    name = table["study_id"].str.replace("^[^/]*", "", regex=True)
    return table.assign(study_id=table["study_id"].mask(shared, table["patient_id"] + name))
