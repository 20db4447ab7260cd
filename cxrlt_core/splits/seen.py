"""What of a set has been seen: images of the same patient, with the same pixels, or that a list names."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from cxrlt_core.system.errors import StudyError, reason

KEYS = ("patient_id", "picture")
ENDINGS = r"\.(?:png|jpe?g|dcm|dicom)$"


def seen_images(images: pd.DataFrame, sets: Iterable[pd.DataFrame]) -> np.ndarray:
    """Say which images are of a patient, or have the pixels of an image, in any of some sets, bool (N,).

    Tables have ``patient_id``, which is the same in the same hospital alone, and ``picture``, a digest of the
    pixels; null equals nothing. A copy that was cropped or encoded again is not found.
    """
    seen = np.zeros(len(images), bool)
    for known in sets:
        for key in KEYS:
            seen |= images[key].isin(known[key].dropna()).to_numpy()
    return seen


def read_list(path: str) -> pd.DataFrame:
    """Read a CSV file as text; StudyError when it is none."""
    try:
        return pd.read_csv(path, dtype="str", keep_default_na=False)
    except ValueError as error:
        raise StudyError(f"{path}: not readable as CSV: {reason(error)}") from None


def listed_images(paths: Sequence[str], listed: pd.DataFrame) -> np.ndarray:
    """Say which images a list names, bool (N,): by path or by file name, in whichever column names most.

    A file name that several of the images have tells nothing, so these need their paths. Endings such as
    ``.png`` count on neither side. ``listed`` is text, a column a column of the list.
    """
    whole = pd.Series(paths, dtype="str").str.replace(ENDINGS, "", case=False, regex=True)
    names = whole.str.split("/").str[-1]
    names = names.mask(names.duplicated(keep=False))
    best = np.zeros(len(whole), bool)
    for column in listed:
        known = listed[column].dropna().astype("str").str.replace(ENDINGS, "", case=False, regex=True)
        found = (whole.isin(known) | names.isin(known.str.split("/").str[-1])).to_numpy()
        best = found if found.sum() > best.sum() else best
    return best
