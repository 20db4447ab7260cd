"""Sex and age of patients: two columns that a label table has where its source tells them, and sets have not.

Both are for scores of subgroups alone. Nothing trains on them, so no set of images holds them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Columns of label tables: F, M or "" where it is unknown; years, float64, NaN where they are unknown.
SEX, AGE = "sex", "age"
PERSON = (SEX, AGE)

OLDEST = 120  # years; above it a file is wrong

_SEXES = {"F": "F", "FEMALE": "F", "M": "M", "MALE": "M"}
_UNITS = {"": 1, "Y": 1, "M": 12, "W": 52.18, "D": 365.25}  # how many a year has


def read_sex(words: "pd.Series") -> "pd.Series":
    """Return F or M; case and blanks around a word do not count, and any other word is unknown.

    A number is one, too: 2 is a woman in one file and nobody in the next.
    """
    return words.str.strip().str.upper().map(_SEXES).fillna("")


def read_age(words: "pd.Series") -> "pd.Series":
    """Return years of ``58``, ``58.0``, or as DICOM writes it ``058Y``, ``013M``, ``002W`` or ``004D``.

    Any other word is unknown, and so is more than OLDEST.
    """
    parts = words.str.extract(r"^\s*([0-9]{1,6}(?:\.[0-9]*)?)\s*([YyMmWwDd]?)\s*$")
    years = parts[0].astype("float64") / parts[1].str.upper().map(_UNITS)
    return years.where(years <= OLDEST)


def without_people(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a label table as sets have it."""
    return table.drop(columns=[*PERSON], errors="ignore")
