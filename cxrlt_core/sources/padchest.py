"""PadChest (Bustos et al. 2020): 174 radiographic findings and 19 differential diagnoses, as a list.

``PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv``. A list holds what a report says is there;
PadChest does not mark uncertain ones, so ``uncertain`` changes nothing. Physicians made 24 % of the
lists, the authors' model the rest. What a finding is to a class is said in the label space of the study.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.labels import NEGATIVE, POSITIVE
from cxrlt_core.sources.label_file import BLANK, LabelFile, find_file, read_label_file
from cxrlt_core.sources.label_table import Harmonized, Options, join_parts, make_part
from cxrlt_core.system.errors import StudyError

#: Entries that leave the list incomplete: a reference to an earlier report, an unusable report, an
#: image of poor quality, and "" for a sentence for which the authors' model had no finding.
INCOMPLETE = ("unchanged", "exclude", "suboptimal study", "")

SPACE, NORMAL = "padchest", "normal"

IMAGE_FOLDERS = ("", "[0-9]*")  # all images in one folder, or in the folders 0 to 54

FILE = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
VIEWS = {"PA": "PA", "AP": "AP", "AP_HORIZONTAL": "AP", "L": "LATERAL"}
_LIST = re.compile(r"\s*(?:nan|\[\s*(?:'[^']*'\s*(?:,\s*'[^']*'\s*)*)?\])?\s*")


def read(labels: Path, options: Options) -> Harmonized:
    """Read the label file, or the folder that has it; there is no official split.

    A finding is positive if it is listed and otherwise negative, or unknown where :data:`INCOMPLETE` leaves
    it open. An image without a known label is dropped.
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
        "view": file.codes("Projection").map(VIEWS).fillna("OTHER"),
        "split": None,
    }
    return join_parts([make_part(file, columns, _marks(file), options, of=SPACE)])


def _marks(file: LabelFile) -> pd.DataFrame:
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
    marks = np.array([_decode(findings, space.classes, devices) for findings in lists], np.int8)[codes]
    return pd.DataFrame(marks, file.cells.index, space.classes)


def _decode(findings: set[str], names: Sequence[str], devices: set[str]) -> list[int]:
    """Return the mark of each finding.

    ``normal`` beside other findings than devices refers to the rest of the image, so it is open there.
    """
    unlisted = NEGATIVE if findings.isdisjoint(INCOMPLETE) else BLANK
    marks = {name: POSITIVE if name in findings else unlisted for name in names}
    if NORMAL in findings and not findings <= devices:
        marks[NORMAL] = BLANK
    return list(marks.values())
