"""The common label table, as every reader makes it of its label files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxrlt_core.labels import NEGATIVE, POSITIVE, UNKNOWN
from cxrlt_core.params.label_space import LabelSpace
from cxrlt_core.people import AGE, SEX, read_age, read_sex
from cxrlt_core.sources.label_file import BLANK, OPEN, UNCERTAIN, LabelFile
from cxrlt_core.sources.mapping import map_marks
from cxrlt_core.system.errors import StudyError, meant, shown
from cxrlt_core.system.text import sentence

#: Policy to the label of an uncertain mark.
POLICIES = {"ignore": UNKNOWN, "zero": NEGATIVE, "one": POSITIVE}

#: Value of ``views`` to the views that it keeps; FRONTAL is PA or AP, and not told which.
VIEWS = {"all": ("PA", "AP", "FRONTAL", "LATERAL", "OTHER"), "frontal": ("PA", "AP", "FRONTAL")}


@dataclass(frozen=True)
class Options:
    """How to read a source: into which classes, and part of its entry in ``data.sources``."""

    space: LabelSpace
    test_list: Path | None = None  # official list of test images
    uncertain: Mapping[str, str] = field(default_factory=lambda: {"default": "ignore"})
    views: str = "all"  # key of VIEWS
    own: Any = field(default_factory=dict)  # keys that its reader alone has; to the reader its ``Settings``

    def label_of_uncertain(self, name: str) -> int:
        """Return the label that replaces an uncertain mark of a class: 1, 0 or -1."""
        return POLICIES[self.uncertain.get(name, self.uncertain["default"])]


@dataclass(frozen=True)
class Harmonized:
    """The labels of one source in the label space of the study."""

    # image_id … split as text (split may be missing), sex and age where they are told, int8 per class
    table: pd.DataFrame
    dropped: dict[str, int]  # reason to number of rows left out
    uncertain: dict[str, int]  # known class to number of uncertain marks
    known: tuple[str, ...]  # classes that the source labels; the others are unknown throughout
    official: Mapping[str, str] = field(default_factory=dict)  # set to the file that defines it
    unused: str | None = None  # why an incomplete official split is ignored
    unread: Mapping[str, int] = field(default_factory=dict)  # names and columns left out, to their positives
    # class to relation, other than the same, to names of the source, to their positives
    related: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelRows:
    """The rows of one label file."""

    file: LabelFile
    table: pd.DataFrame  # as in Harmonized, indexed by the record in the file
    dropped: Mapping[str, int]
    uncertain: Mapping[str, int]
    unread: Mapping[str, int]
    related: Mapping[str, Mapping[str, Mapping[str, int]]]


def make_part(
    file: LabelFile,
    columns: Mapping[str, pd.Series | str | None],
    marks: pd.DataFrame,
    options: Options,
    *,
    blank: int = UNKNOWN,
    of: str | None = None,
) -> LabelRows:
    """Build the label table of one file, its ids as the file has them.

    Records without any mark, of other views, or with No Finding beside a finding are dropped. Of patients
    neither case nor blanks around their name count.

    ``columns`` are ``path``, ``patient_id``, ``study_id``, ``view`` and ``split`` (None without an official
    one), and perhaps ``sex`` and ``age``, as from :func:`person`, and ``left_out``: why a record is dropped,
    missing where it is not. ``marks`` has a column per name of the source, as from :meth:`LabelFile.marks`,
    which :mod:`cxrlt_core.sources.mapping` turns into classes; ``blank`` is the label of a blank cell; ``of``
    names the label space of the names, if they have one. StudyError where no name is of a class, and for a
    record without a patient or a study.
    """
    _check_names(file, list(marks))
    mapped = map_marks(marks, options.space, of)
    if mapped.marks.empty and len(file):
        names, known = sentence(list(marks)), sentence(options.space.classes)
        raise StudyError(f"{file.path}: labels of {names}, expected some of {options.space.name}: {known}")
    table = pd.concat([_ids(file, columns), _labels(mapped.marks, options, blank)], axis=1)
    reason = ("view " + table["view"]).mask(table["view"].isin(VIEWS[options.views]))
    for normal, beside in options.space.normal.items():
        reason = reason.mask(_contradict(mapped.marks, normal, beside), f"{normal} beside a finding")
    reason = reason.mask(_says_nothing(marks, mapped.marks, blank), "no label")
    reason = columns.get("left_out", reason).fillna(reason)
    kept = reason.isna().to_numpy()  # missing where the record is kept
    uncertain = {name: int((mapped.marks[name][kept] == UNCERTAIN).sum()) for name in mapped.marks}
    dropped = {f"{file.path.name}: {why}": int(rows) for why, rows in reason.value_counts().items()}
    positives = (marks[kept] == POSITIVE).sum().astype(int).to_dict()
    unread = {name: positives[name] for name in mapped.unread} | file.unread()
    related = {
        label: {key: {n: positives.get(n, 0) for n in names} for key, names in r.items() if key != "exact"}
        for label, r in mapped.related.items()
    }
    return LabelRows(file, table[kept], dropped, uncertain, unread, related)


def _ids(file: LabelFile, columns: Mapping[str, pd.Series | str | None]) -> pd.DataFrame:
    """Return the columns before the classes; StudyError for a record without a patient or a study."""
    patient, study = columns["patient_id"].str.strip().str.lower(), columns["study_id"].str.strip()
    for what, names in (("patient", patient), ("study", study)):
        if (nameless := (names == "").to_numpy()).any():
            file.fail(file.cells.index[nameless.argmax()], f"no {what}, expected the name of one")
    return pd.DataFrame(
        {
            "image_id": columns["path"],
            "patient_id": patient,
            "study_id": study,
            "view": columns["view"],
            "path": columns["path"],
            "split": pd.Series(columns["split"], file.cells.index, dtype="str"),
            SEX: pd.Series(columns.get(SEX, ""), file.cells.index, dtype="str"),
            AGE: pd.Series(columns.get(AGE, np.nan), file.cells.index, dtype="float64"),
        }
    )


def person(file: LabelFile, sex: str, age: str | None = None, youngest: float = 0) -> dict[str, pd.Series]:
    """Return sex and age by the columns of a release, of those that it has.

    An odd spelling is unknown, since nobody can mend a release, and so is a patient below ``youngest`` years.
    """
    told = {}
    if sex in file.cells:
        told[SEX] = read_sex(file.column(sex))
    if age in file.cells:
        years = read_age(file.column(age))
        told[AGE] = years.where(years >= youngest)
    return told


def _labels(marks: pd.DataFrame, options: Options, blank: int) -> pd.DataFrame:
    """Return a label per class of the space, int8 (N, C): of marks of some of them."""
    labels = pd.DataFrame(UNKNOWN, marks.index, options.space.classes, np.int8)
    for name in marks:
        known = marks[name].to_numpy()
        known = np.where(known == UNCERTAIN, options.label_of_uncertain(name), known)
        labels[name] = np.select([known == BLANK, known == OPEN], [blank, UNKNOWN], known).astype(np.int8)
    return labels


def _says_nothing(marks: pd.DataFrame, mapped: pd.DataFrame, blank: int) -> np.ndarray:
    """Return which records, bool (N,), have no mark, or none of a class where a blank is no label."""
    nothing = (marks == BLANK).all(axis=1)
    return (nothing | mapped.isin([BLANK, OPEN]).all(axis=1) if blank == UNKNOWN else nothing).to_numpy()


def _contradict(marks: pd.DataFrame, normal: str, beside: Sequence[str]) -> np.ndarray:
    """Return which records, bool (N,), have a class that excludes all others but some, and another one."""
    if normal not in marks:
        return np.zeros(len(marks), bool)
    others = marks.drop(columns=[normal, *beside], errors="ignore") == POSITIVE
    return ((marks[normal] == POSITIVE) & others.any(axis=1)).to_numpy()


def _check_names(file: LabelFile, names: Sequence[str]) -> None:
    """Raise StudyError unless there are names, each once."""
    if not names:
        raise StudyError(f"{file.path}: its reader gives no labels, expected some")
    for name in names:
        if names.count(name) > 1:
            raise StudyError(f"{file.path}: its reader gives labels of {name!r} twice, expected one column")


def check_classes(reader: str, names: Sequence[str], space: LabelSpace) -> None:
    """Raise StudyError unless the classes of a reader's table are those of the label space, in its order."""
    place = f"cxrlt_core/sources/{reader}.py"
    for name in names:
        if name not in space.classes:
            raise StudyError(
                f"{place}: {shown(name)} is no class of the label space{meant(name, space.classes)}"
            )
    if list(names) != space.classes:
        raise StudyError(f"{place}: gives {len(names)} classes, expected all {len(space.classes)} in order")


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
    classes = dict.fromkeys(name for part in parts for name in part.uncertain)
    known = tuple(name for name in table if name in classes)  # files of one source may know different ones
    uncertain = {name: sum(part.uncertain.get(name, 0) for part in parts) for name in known}
    unread = Counter[str]()
    related: dict[str, dict[str, Counter[str]]] = {}
    for part in parts:
        unread.update(part.unread)
        for label, names in part.related.items():
            for key, positives in names.items():
                related.setdefault(label, {}).setdefault(key, Counter()).update(positives)
    told = {SEX: table[SEX] != "", AGE: table[AGE].notna()}
    untold = [name for name, known in told.items() if not known.any()]
    table = table.drop(columns=untold).reset_index(drop=True)
    return Harmonized(table, dropped, uncertain, known, unread=unread, related=related)


def _apart(table: pd.DataFrame) -> pd.DataFrame:
    """Return a label table in which a study name that patients share has the patient's before it."""
    pairs = table[["study_id", "patient_id"]].drop_duplicates()
    shared = table["study_id"].isin(pairs["study_id"][pairs["study_id"].duplicated()])
    whole = table["patient_id"] + "/" + table["study_id"]
    return table.assign(study_id=table["study_id"].mask(shared, whole))
