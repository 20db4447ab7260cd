"""A submission to the CXR-LT 2023 challenge: ``dicom_id`` and a probability for each of the 26 classes."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.errors import StudyError

CHALLENGE = "cxrlt2023"
NAME = "submission.csv"  # in the zip
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


def submission(dicom_ids: Sequence[str], classes: Sequence[str], probabilities: np.ndarray) -> pd.DataFrame:
    """Return the challenge's table from the ids of N images and probabilities, float (N, C), of the classes.

    StudyError when the model does not know a class of the challenge, or an image is there twice.
    """
    challenge = read_label_space(CHALLENGE).classes
    if missing := [name for name in challenge if name not in classes]:
        names = ", ".join(missing)
        raise StudyError(
            f"submission: the model knows {len(classes)} classes; the challenge has also {names}"
        )
    ids = pd.Series(list(dicom_ids), name="dicom_id")
    if (twice := ids[ids.duplicated()]).any():
        raise StudyError(f"submission: dicom_id {twice.iloc[0]} is there twice")
    table = pd.DataFrame(probabilities, columns=list(classes))[challenge]
    table.insert(0, "dicom_id", ids)
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
