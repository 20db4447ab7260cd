"""MIMIC-CXR-JPG with the labels of CXR-LT (Holste et al. 2023): a column of 0 and 1 for each class of a year.

``train.csv``, ``development.csv`` and ``test.csv``; the last two may have no labels.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.label_file import LabelFile, find_split_files, read_label_file
from cxrlt_core.sources.label_table import Harmonized, LabelRows, Options, join_parts, make_part
from cxrlt_core.system.errors import StudyError

IMAGE_FOLDERS = ("",)

YEARS = ("cxrlt2023", "cxrlt2024")  # the label spaces of the releases

_FILES = {"train": ("train.csv",), "dev": ("development.csv", "dev.csv"), "test": ("test.csv",)}

#: View to ViewPosition or, where that is blank, ViewCodeSequence_CodeMeaning, in capitals, some with further
#: words: "AP AXIAL", "PA LLD", "XTABLE LATERAL".
_VIEWS = {
    "PA": r"PA( .*)?|POSTERO-ANTERIOR",
    "AP": r"AP( .*)?|ANTERO-POSTERIOR",
    "LATERAL": r"(.* )?LATERAL|LL|RL",
}


def read(labels: Path, options: Options) -> Harmonized:
    """Read the folder of the release, or one CSV file.

    The official split is used if train, development and test all have labels; otherwise no row has a
    split. A blank cell in a labelled row is unknown.
    """
    files = {split: read_label_file(path) for split, path in find_split_files(labels, _FILES).items()}
    labelled = {split: file for split, file in files.items() if _has_labels(file)}
    if not labelled:
        raise StudyError(f"{labels}: no labelled row, expected some 0 or 1")
    official = len(labelled) == len(_FILES)
    parts = [_part(file, split if official else None, options) for split, file in labelled.items()]
    harmonized = join_parts(parts)
    blank = [file for split, file in files.items() if split not in labelled]
    dropped = {f"{file.path.name}: no label": len(file) for file in blank}
    return replace(
        harmonized,
        dropped=harmonized.dropped | dropped,
        official={split: file.path.name for split, file in labelled.items()} if official else {},
        unused=None if official else _unused(labelled),
    )


def _unused(labelled: dict[str, LabelFile]) -> str | None:
    """Explain why the labels of an incomplete official split are carved anew, None if there are none."""
    names = [file.path.name for split, file in labelled.items() if split != "train"]
    missing = " and ".join(_FILES[split][0] for split in _FILES if split not in labelled)
    return f"{names[0]} is carved anew, for {missing} has no labels" if names else None


def read_list(path: Path) -> pd.DataFrame:
    """Read the images that a file of the release lists, with or without labels.

    A row per image: ``dicom_id``, ``path``, ``study_id`` and ``view`` (PA, AP, LATERAL or OTHER).
    """
    file = read_label_file(path)
    columns = {"dicom_id": file.column("dicom_id"), "path": _paths(file)}
    return pd.DataFrame({**columns, "study_id": file.numbers("study_id", "s"), "view": views(file)})


def _has_labels(file: LabelFile) -> bool:
    """Return whether there is any label: development and test may lack the columns or the values."""
    present = [name for name in read_label_space(_year(file)).classes if name in file.cells]
    return bool((file.cells[present] != "").any(axis=None))


def _year(file: LabelFile) -> str:
    """Return the label space of which a file has the largest share of the columns."""
    spaces = {year: read_label_space(year).classes for year in YEARS}
    return max(spaces, key=lambda year: sum(name in file.cells for name in spaces[year]) / len(spaces[year]))


def _part(file: LabelFile, split: str | None, options: Options) -> LabelRows:
    columns = {
        "path": _paths(file),
        "patient_id": file.numbers("subject_id", "p"),
        "study_id": file.numbers("study_id", "s"),
        "view": views(file),
        "split": split,
    }
    year = _year(file)
    return make_part(file, columns, file.marks(read_label_space(year).classes), options, of=year)


def _paths(file: LabelFile) -> pd.Series:
    """Return paths from ``files/`` on, the top folder of the release."""
    paths = file.paths("fpath" if "fpath" in file.cells else "path")
    paths = paths.str.replace(r"^.*/files/", "files/", regex=True)
    return paths.str.replace(r"^(p[0-9][0-9]/)", r"files/\1", regex=True)


def views(file: LabelFile) -> pd.Series:
    """Return the view of each image by what DICOM says of it."""
    position, meaning = file.codes("ViewPosition"), file.codes("ViewCodeSequence_CodeMeaning")
    said = position.where(position != "", meaning)
    found = np.select([said.str.fullmatch(words) for words in _VIEWS.values()], [*_VIEWS], "OTHER")
    return pd.Series(found, file.cells.index)
