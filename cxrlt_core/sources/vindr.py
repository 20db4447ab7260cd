"""VinDr-CXR (Nguyen et al. 2022): 22 findings and 6 diagnoses, as radiologists read 18,000 frontal images.

``image_labels_train.csv`` has a row for each of an image's three readers, ``image_labels_test.csv`` one for
the consensus of five. The release names no patients, so each image stands for one.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import field_validator

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.label_file import BLANK, UNCERTAIN, LabelFile, find_file, read_label_file
from cxrlt_core.sources.label_table import Harmonized, LabelRows, Options, join_parts, make_part
from cxrlt_core.system.errors import StudyError, shown
from cxrlt_core.system.settings import Section

SPACE, NO_FINDING = "vindr", "No finding"

IMAGE_FOLDERS = ("", "train", "test")

_FILES = {"train": "image_labels_train.csv", "test": "image_labels_test.csv"}
RULES = ("majority", "unanimous")
_READERS = ("rad_id", "rad_ID")  # copies of the release differ, as in "Other disease" and "Other diseases"


class Settings(Section):
    """What the readers of an image say together: what most say, or all, or at least a share of them.

    ``unanimous`` makes uncertain what they differ on, as ``majority`` does where two halves differ.
    """

    readers: str | float = "majority"

    @field_validator("readers", mode="before")
    @classmethod
    def name_a_rule(cls, value: Any) -> Any:
        """Reject what is neither a rule nor a share."""
        if value in RULES or (
            isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
        ):
            return value
        raise ValueError(f"expected {', '.join(RULES)} or a share above 0 and up to 1")


def read(labels: Path, options: Options) -> Harmonized:
    """Read the folder with either file or both, or one file, which is no official split."""
    if not labels.is_dir():
        return join_parts([_part(labels, None, options)])
    files = {split: path for split, name in _FILES.items() if (path := find_file(labels, name))}
    if not files:
        raise StudyError(f"{labels}: expected {' or '.join(_FILES.values())} in this folder, found neither")
    harmonized = join_parts([_part(path, split, options) for split, path in files.items()])
    return replace(
        harmonized, official={split: path.name for split, path in files.items() if split != "train"}
    )


def _part(path: Path, split: str | None, options: Options) -> LabelRows:
    file = read_label_file(path)
    images = file.column("image_id")
    file.check("image_id", images.str.fullmatch(r"\w+"), "the name of an image, without its ending")
    marks = _marks(file)
    if reader := next((name for name in _READERS if name in file.cells), None):
        _check_readers(file, reader)
        marks = _together(marks, images, options.own.readers)
        file = file.only(~images.duplicated())
        marks = marks.loc[file.column("image_id")].set_axis(file.cells.index)
    name = file.column("image_id") + ".dicom"
    columns = {"path": name, "patient_id": name, "study_id": name, "view": "PA", "split": split}
    return make_part(file, columns, marks, options, of=SPACE)


def _marks(file: LabelFile) -> pd.DataFrame:
    names = read_label_space(SPACE).classes
    there = [f"{name}s" if f"{name}s" in file.cells else name for name in names]
    return file.marks(there).set_axis(names, axis=1)


def _check_readers(file: LabelFile, reader: str) -> None:
    """Raise StudyError where one reader reads an image twice, and would count as two."""
    images, names = file.column("image_id"), file.column(reader)
    twice = pd.DataFrame({"image": images, "reader": names}).duplicated().to_numpy()
    if twice.any():
        at = int(twice.argmax())
        said = f"{reader} {shown(names.iloc[at])} has read image {shown(images.iloc[at])} before"
        file.fail(at, f"{said}, expected each reader of an image once")


def _together(marks: pd.DataFrame, images: pd.Series, rule: str | float) -> pd.DataFrame:
    """Return the mark of each image, in an index of their names, that its readers give together.

    What is asked for of findings holds for their absence in No finding, so none is there beside it.
    """
    mean = marks.where(marks.isin([0, 1])).groupby(images).mean()  # NaN where no reader says anything
    normal = mean.columns == NO_FINDING
    share = np.where(normal, 1 - mean, mean)  # of readers who see it; of No finding, who see something
    if rule == "majority":
        found = np.select([share > 0.5, share == 0.5], [1, UNCERTAIN], 0)
    elif rule == "unanimous":
        found = np.select([share == 1, share > 0], [1, UNCERTAIN], 0)
    else:
        found = (share >= float(rule) - 1e-9).astype(int)
    found = np.where(normal & (found != UNCERTAIN), 1 - found, found)
    return pd.DataFrame(np.where(np.isnan(mean), BLANK, found), mean.index, mean.columns).astype(np.int8)
