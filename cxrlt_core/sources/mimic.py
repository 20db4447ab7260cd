"""MIMIC-CXR-JPG with the labels of CXR-LT 2023 or 2024 (Holste et al.): a column of 0 and 1 for each class.

``train.csv``, ``development.csv`` and ``test.csv``, of which the last two may have no labels; or, of 2024,
``train_labeled.csv`` and the files of a task, or ``labels.csv`` with a column of sets.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.label_file import LabelFile, find_split_files, read_label_file
from cxrlt_core.sources.label_table import Harmonized, LabelRows, Options, join_parts, make_part
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Section

IMAGE_FOLDERS = ("",)

#: What the releases call the sets, in capitals.
_SETS = {"TRAIN": "train", "TEST": "test"}
_SETS |= dict.fromkeys(("DEVELOPMENT", "DEV", "VALIDATION", "VALIDATE", "VALID", "VAL"), "dev")

#: View to ViewPosition or, where that is blank, ViewCodeSequence_CodeMeaning, in capitals, some with further
#: words: "AP AXIAL", "PA LLD", "XTABLE LATERAL".
_VIEWS = {
    "PA": r"PA( .*)?|POSTERO-ANTERIOR",
    "AP": r"AP( .*)?|ANTERO-POSTERIOR",
    "LATERAL": r"(.* )?LATERAL|LL|RL",
}


class Settings(Section):
    """Of 2024, the task whose development and test sets are read."""

    task: Literal[1, 2, 3] = 1


def read(labels: Path, options: Options) -> Harmonized:
    """Read the folder of the release, or one CSV file.

    The official split is used if train, development and test all have labels; otherwise no row has a
    split. A blank cell in a labelled row is unknown.
    """
    names = _files(options.own.task)
    files = {split: read_label_file(path) for split, path in find_split_files(labels, names).items()}
    labelled = {split: file for split, file in files.items() if _has_labels(file)}
    if not labelled:
        raise StudyError(f"{labels}: no labelled row, expected some 0 or 1")
    whole = labelled.keys() == names.keys()
    parts = [_part(file, split if whole else None, options) for split, file in labelled.items()]
    harmonized = join_parts(parts)
    official = {split: labelled[split].path.name for split in names} if whole else {}
    if not labels.is_dir():  # which may have a column of sets
        official = dict.fromkeys(harmonized.table["split"].dropna().unique(), labels.name)
    missing = " and ".join(names[split][0] for split in names if split not in labelled)
    others = [file.path.name for split, file in labelled.items() if split != "train"]
    unused = None if whole or not others else f"{others[0]} is carved anew, for {missing} has no labels"
    blank = [file for split, file in files.items() if split not in labelled]
    dropped = harmonized.dropped | {f"{file.path.name}: no label": len(file) for file in blank}
    return replace(harmonized, dropped=dropped, official=official, unused=unused)


def _files(task: int) -> dict[str, tuple[str, ...]]:
    """Return the names of the file of each set."""
    return {
        "train": ("train.csv", "train_labeled.csv"),
        "dev": ("development.csv", "dev.csv", f"development_labeled_task{task}.csv"),
        "test": ("test.csv", f"test_labeled_task{task}.csv"),
    }


def read_list(path: Path) -> pd.DataFrame:
    """Read the images that a file of the release lists, with or without labels.

    A row per image: ``id``, ``path``, ``study_id`` and ``view`` (PA, AP, LATERAL or OTHER).
    """
    file = read_label_file(path)
    columns = {"id": file.column("dicom_id"), "path": _paths(file)}
    return pd.DataFrame({**columns, "study_id": file.numbers("study_id", "s"), "view": views(file)})


def _has_labels(file: LabelFile) -> bool:
    """Return whether there is any label: development and test may lack the columns or the values."""
    present = [name for name in _classes(file)[1] if name in file.cells]
    return bool((file.cells[present] != "").any(axis=None))


def _classes(file: LabelFile) -> tuple[str, list[str]]:
    """Return the label space and the classes of a file: of those that have most columns the fewest."""
    first, second = read_label_space("cxrlt2023"), read_label_space("cxrlt2024")
    tasks = [second.classes, second.groups["task2"], second.unseen, [*second.classes, *second.unseen]]
    lists = [(first.name, first.classes), *((second.name, names) for names in tasks)]
    return max(lists, key=lambda named: (sum(name in file.cells for name in named[1]), -len(named[1])))


def _part(file: LabelFile, split: str | None, options: Options) -> LabelRows:
    columns = {
        "path": _paths(file),
        "patient_id": file.numbers("subject_id", "p"),
        "study_id": file.numbers("study_id", "s"),
        "view": views(file),
        "split": sets_of(file) if split is None and "split" in file.cells else split,
    }
    space, names = _classes(file)
    return make_part(file, columns, file.marks(names), options, of=space)


def sets_of(file: LabelFile, name: str = "split") -> pd.Series:
    """Return the set of each row, by a column of them; StudyError for a word that is none."""
    sets = file.codes(name).map(_SETS)
    file.check(name, sets.notna(), "train, validate or test")
    return sets


def _paths(file: LabelFile) -> pd.Series:
    """Return paths from ``files/`` on, the top folder of the release."""
    paths = file.paths("fpath" if "fpath" in file.cells else "path")
    paths = paths.str.replace(r"^.*/files/", "files/", regex=True)
    return paths.str.replace(r"^(p[0-9][0-9]/)", r"files/\1", regex=True)


def views(file: LabelFile) -> pd.Series:
    """Return the view of each image by what DICOM says of it."""
    position, meaning = file.codes("ViewPosition"), file.codes("ViewCodeSequence_CodeMeaning")
    said = position.where(position != "", meaning)
    return said.map({words: _view(words) for words in said.unique()})


def _view(words: str) -> str:
    return next((view for view, pattern in _VIEWS.items() if re.fullmatch(pattern, words)), "OTHER")
