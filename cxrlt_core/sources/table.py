"""A table of one's own: a CSV file with a row an image, and a column a class as the label space calls it.

``image`` and ``patient``; ``study``, ``view`` (PA, AP, LATERAL or OTHER), ``split`` (train, dev or test),
``sex`` and ``age`` (in years), if any; and the classes: 1, 0, or nothing where it is not known.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from cxrlt_core.people import AGE, OLDEST, SEX
from cxrlt_core.sources.label_file import LabelFile, read_label_file
from cxrlt_core.sources.label_table import VIEWS, Harmonized, Options, join_parts, make_part, person
from cxrlt_core.system.errors import StudyError, nearest, shown

IMAGE_FOLDERS = ("",)

SETS = ("train", "dev", "test")


def read(labels: Path, options: Options) -> Harmonized:
    """Read the table; a class without a column is unknown throughout, a column that is none is left out."""
    file = read_label_file(labels)
    path = file.paths("image")
    columns = {
        "path": path,
        "patient_id": file.column("patient"),
        "study_id": file.column("study") if "study" in file.cells else path,
        "view": _coded(file, "view", VIEWS["all"], "OTHER"),
        "split": _coded(file, "split", SETS, None),
        **_person(file),
    }
    names = _class_columns(file, options.space.classes)
    harmonized = join_parts([make_part(file, columns, file.marks(names), options)])
    sets = [name for name in SETS[1:] if (harmonized.table["split"] == name).any()]
    others = {name: 0 for name in file.cells if name not in file.read}
    official = dict.fromkeys(sets, labels.name)
    return replace(harmonized, official=official, unread={**others, **harmonized.unread})


def _coded(file: LabelFile, name: str, known: tuple[str, ...], blank: str | None) -> pd.Series | str | None:
    """Return a column of code words, ``blank`` where it has none, or is not there."""
    if name not in file.cells:
        return blank
    words = {word.upper(): word for word in known} | {"": blank}
    codes = file.codes(name)
    file.check(name, codes.isin([*words]), f"{', '.join(known)} or nothing")
    return codes.map(words)


def _person(file: LabelFile) -> dict[str, pd.Series]:
    """Return sex and age; StudyError for a word that is neither: who made the table can mend it."""
    told = person(file, SEX, AGE)
    if SEX in told:
        file.check(SEX, (told[SEX] != "") | (file.codes(SEX) == ""), "F, M, female, male or nothing")
    if AGE in told:
        expected = f"years from 0 to {OLDEST} or nothing"
        file.check(AGE, told[AGE].notna() | (file.codes(AGE) == ""), expected)
    return told


def _class_columns(file: LabelFile, classes: list[str]) -> list[str]:
    """Return the classes that have a column, or nearly one, which ends in a line; StudyError if none has."""
    others = [name for name in file.cells if name not in classes and name not in file.read]
    named = [label for label in classes if label in file.cells or nearest(label, others)]
    if not named:
        raise StudyError(f"{file.path}: no column of a class, expected some such as {shown(classes[0])}")
    return named
