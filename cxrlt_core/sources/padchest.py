"""PadChest (Bustos et al. 2020): 174 radiographic findings and 19 differential diagnoses, as a list.

``PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv``. A list holds what a report says is there;
PadChest does not mark uncertain ones, so ``uncertain`` changes nothing. Physicians made 24 % of the
lists, the authors' model the rest. What a finding is to a class is said in the label space of the study.
Images of ribs (COSTAL), and those whose projection the authors could not tell or did not want, are dropped.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from cxrlt_core.label_space import read_label_space
from cxrlt_core.labels import NEGATIVE, POSITIVE
from cxrlt_core.people import AGE, OLDEST
from cxrlt_core.sources.label_file import BLANK, LabelFile, find_file, read_label_file
from cxrlt_core.sources.label_table import Harmonized, Options, join_parts, make_part, person
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Section

#: Entries that leave the list incomplete: a reference to an earlier report, an unusable report, an
#: image of poor quality, and "" for a sentence for which the authors' model had no finding.
INCOMPLETE = ("unchanged", "exclude", "suboptimal study", "")

SPACE, NORMAL = "padchest", "normal"

IMAGE_FOLDERS = ("", "[0-9]*")  # all images in one folder, or in the folders 0 to 54

FILE = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
VIEWS = {"PA": "PA", "AP": "AP", "AP_HORIZONTAL": "AP", "L": "LATERAL"}
_SEX, _YEARS = "PatientSex_DICOM", ("PatientBirth", "StudyDate_DICOM")
_LIST = re.compile(r"\s*(?:nan|\[\s*(?:'[^']*'\s*(?:,\s*'[^']*'\s*)*)?\])?\s*")


class Settings(Section):
    """Whose lists are read, the age in years from which patients count, and what is not listed."""

    method: Literal["all", "physician"] = "all"
    min_age: Annotated[int, Field(ge=0, le=120)] = 0
    blank: Literal["negative", "unknown"] = "negative"


def read(labels: Path, options: Options) -> Harmonized:
    """Read the label file, or the folder that has it; there is no official split.

    A finding is positive if it is listed and otherwise negative, or unknown where :data:`INCOMPLETE` leaves
    it open, or where nothing that is not listed is known, but by ``normal``. An image without a known label
    is dropped.
    """
    path = find_file(labels, FILE) if labels.is_dir() else labels
    if path is None:
        raise StudyError(f"{labels}: expected {FILE} or {FILE}.gz in this folder")
    file = read_label_file(path)
    patient = file.numbers("PatientID")
    study = file.extract("StudyID", r"^\s*0*([0-9][0-9_-]*)\s*$", "a number, perhaps with - or _")[0]
    columns = {
        "path": file.paths("ImageID"),
        "patient_id": patient,
        "study_id": patient + "/" + study,  # one StudyID of the release belongs to two patients
        "view": file.codes("Projection").map(VIEWS),
        "split": None,
        "left_out": _left_out(file, options.own),
        **person(file, _SEX),
    }
    if set(_YEARS) <= set(file.cells):
        columns[AGE] = _ages(file).where(lambda age: age.between(0, OLDEST))
    return join_parts([make_part(file, columns, _marks(file, options.own.blank), options, of=SPACE)])


def _left_out(file: LabelFile, own: Settings) -> pd.Series:
    """Return why a record is left out, missing where it is not."""
    projection = file.codes("Projection")
    reason = ("projection " + projection).where(~projection.isin([*VIEWS]))
    if own.method == "physician":
        reason = reason.mask(reason.isna() & (file.codes("MethodLabel") != "PHYSICIAN"), "not by a physician")
    if own.min_age:
        young = reason.isna() & ~(_ages(file) >= own.min_age)
        reason = reason.mask(young, f"not known to be {own.min_age} or older")
    return reason


def _ages(file: LabelFile) -> pd.Series:
    """Return the year of each study less that of the birth, which may be one more than the age."""
    born, taken = (pd.to_numeric(file.column(name).str.slice(0, 4), errors="coerce") for name in _YEARS)
    return taken - born


def _marks(file: LabelFile, blank: str) -> pd.DataFrame:
    """Return the marks, 1, 0 or BLANK, of PadChest's findings: the distinct lists are decoded once each."""
    space = read_label_space(SPACE)
    codes, cells = pd.factorize(file.column("Labels"))
    valid = np.array([_LIST.fullmatch(cell) is not None for cell in cells])
    file.check("Labels", valid[codes], "a list such as ['pneumonia', 'cardiomegaly']")
    # {""} for a blank cell or an empty list, which say nothing
    lists = [{name.strip() for name in re.findall("'([^']*)'", cell)} or {""} for cell in cells]
    if set(space.classes).isdisjoint(set().union(*lists)):
        raise StudyError(f"{file.path}: Labels: no finding of PadChest, expected some such as 'normal'")
    devices = {NORMAL, *space.normal[NORMAL]}
    whole = NEGATIVE if blank == "negative" else BLANK
    marks = np.array([_decode(findings, space.classes, devices, whole) for findings in lists], np.int8)[codes]
    return pd.DataFrame(marks, file.cells.index, space.classes)


def _decode(findings: set[str], names: Sequence[str], devices: set[str], blank: int) -> list[int]:
    """Return the mark of each finding; ``blank`` is that of one which a complete list has not.

    ``normal`` beside other findings than devices refers to the rest of the image, so it is open there;
    without any, it says that nothing else is there.
    """
    unlisted = blank if findings.isdisjoint(INCOMPLETE) else BLANK
    if NORMAL in findings and findings <= devices:
        unlisted = NEGATIVE
    marks = {name: POSITIVE if name in findings else unlisted for name in names}
    if NORMAL in findings and not findings <= devices:
        marks[NORMAL] = BLANK
    return list(marks.values())
