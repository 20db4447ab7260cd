"""A submission to a CXR-LT challenge: the name of each image and a probability for each class of a task."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.errors import StudyError

NAME = "submission.csv"  # in the zip
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


class Challenge(NamedTuple):
    """What the organisers ask for."""

    id: str  # column that names an image
    space: str  # label space of its year
    part: str | None = None  # its classes, unless this names a group of them, or its unseen ones

    @property
    def classes(self) -> list[str]:
        """The classes, in the order of their columns."""
        space = read_label_space(self.space)
        if self.part is None:
            return space.classes
        return space.unseen if self.part == "unseen" else space.groups[self.part]


CHALLENGES = {
    "2023": Challenge("dicom_id", "cxrlt2023"),
    "2024-1": Challenge("dicom_id", "cxrlt2024"),
    "2024-2": Challenge("dicom_id", "cxrlt2024", "task2"),
    "2024-3": Challenge("dicom_id", "cxrlt2024", "unseen"),
    "2026-1": Challenge("ImageID", "cxrlt2026"),
    "2026-2": Challenge("ImageID", "cxrlt2026", "unseen"),
}


def submission(
    ids: Sequence[str], classes: Sequence[str], probabilities: np.ndarray, challenge: str = "2023"
) -> pd.DataFrame:
    """Return the table of a challenge from the ids of N images and probabilities, float (N, C), of classes.

    ``challenge`` is the year, and from 2024 on the task. StudyError when the model does not know a class of
    it, or an image is there twice.
    """
    asked = CHALLENGES[challenge]
    if missing := [name for name in asked.classes if name not in classes]:
        names = ", ".join(missing)
        raise StudyError(
            f"submission: the model knows {len(classes)} classes; the challenge has also {names}"
        )
    column = pd.Series(list(ids), name=asked.id)
    if (twice := column[column.duplicated()]).any():
        raise StudyError(f"submission: {asked.id} {twice.iloc[0]} is there twice")
    table = pd.DataFrame(probabilities, columns=list(classes))[asked.classes]
    table.insert(0, asked.id, column)
    return table


def write_submission(path: Path | str, table: pd.DataFrame) -> None:
    """Write a CSV file, or the same in a zip, as the ending says."""
    text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    with atomic(path) as temporary:
        if Path(path).suffix == ".zip":
            with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(zipfile.ZipInfo(NAME, EPOCH), text, zipfile.ZIP_DEFLATED)
        else:
            temporary.write_text(text, encoding="utf-8", newline="\n")
