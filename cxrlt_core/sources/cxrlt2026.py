"""CXR-LT 2026: images of PadChest with a column of 0 and 1 for each of 30 classes.

``CXRLT_2026_training.csv``; ``Removal.csv``, images that the organisers took back; and PadChest's own label
file, which alone tells the views. Labels of the development and test sets are not published.
"""

from pathlib import Path

import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.label_file import LabelFile, find_file, read_label_file
from cxrlt_core.sources.label_table import Harmonized, Options, join_parts, make_part
from cxrlt_core.sources.padchest import FILE, IMAGE_FOLDERS, VIEWS
from cxrlt_core.system.errors import StudyError

__all__ = ["IMAGE_FOLDERS", "read", "read_list"]

SPACE = "cxrlt2026"

_TRAINING, _REMOVAL = "CXRLT_2026_training.csv", "Removal.csv"


def read(labels: Path, options: Options) -> Harmonized:
    """Read the folder of the release, the other files of which may be absent, or its training file alone.

    Without PadChest's file every view is OTHER. There is no official split. A study is what was taken of a
    patient on one day.
    """
    path = find_file(labels, _TRAINING) if labels.is_dir() else labels
    if path is None:
        raise StudyError(f"{labels}: expected {_TRAINING} or {_TRAINING}.gz in this folder")
    file = read_label_file(path)
    images = file.paths("ImageID")
    columns = {
        "path": images,
        "patient_id": file.numbers("PatientID"),
        "study_id": _studies(file),
        "view": _views(labels, images),
        "split": None,
        "left_out": _left_out(labels, images),
    }
    marks = file.marks(read_label_space(SPACE).classes)
    return join_parts([make_part(file, columns, marks, options, of=SPACE)])


def read_list(path: Path) -> pd.DataFrame:
    """Read the images that a file of the challenge lists, by ``ImageID``; the rest as of training images.

    A row per image: ``id``, ``path``, ``study_id``, itself where no patients are told, and ``view``: OTHER.
    """
    file = read_label_file(path)
    images = file.paths("ImageID")
    told = {"PatientID", "StudyDate_DICOM"} <= set(file.cells)
    study = _studies(file) if told else images
    return pd.DataFrame({"id": images, "path": images, "study_id": study, "view": "OTHER"})


def _studies(file: LabelFile) -> pd.Series:
    """Return the study of each image: its patient, whose number has up to 39 digits, and its day."""
    return file.numbers("PatientID") + "/" + file.numbers("StudyDate_DICOM")


def _other(folder: Path, name: str) -> LabelFile | None:
    path = find_file(folder, name) if folder.is_dir() else None
    return path and read_label_file(path)


def _views(folder: Path, images: pd.Series) -> pd.Series:
    if (file := _other(folder, FILE)) is None:
        return pd.Series("OTHER", images.index)
    known = pd.Series(file.codes("Projection").map(VIEWS).to_numpy(), file.column("ImageID"))
    return images.map(known[~known.index.duplicated()]).fillna("OTHER")


def _left_out(folder: Path, images: pd.Series) -> pd.Series:
    file = _other(folder, _REMOVAL)
    removed = images.isin(file.column("ImageID")) if file else pd.Series(False, images.index)
    return pd.Series(f"in {_REMOVAL}", images.index).where(removed)
