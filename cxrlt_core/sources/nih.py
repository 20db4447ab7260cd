"""NIH ChestX-ray14 (Wang et al. 2017): 14 findings and No Finding, ``A|B`` in one column.

``Data_Entry_2017.csv`` or ``Data_Entry_2017_v2020.csv``, and the official ``test_list.txt``.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.labels import in_label_order
from cxrlt_core.sources.table import (
    Harmonized,
    LabelFile,
    Options,
    join_parts,
    make_part,
    read_label_file,
    read_lines,
)
from cxrlt_core.system.errors import StudyError, shown

#: NIH's name of a finding to its class.
FINDINGS = {
    "Atelectasis": "Atelectasis",
    "Cardiomegaly": "Cardiomegaly",
    "Consolidation": "Consolidation",
    "Edema": "Edema",
    "Effusion": "Pleural Effusion",
    "Emphysema": "Emphysema",
    "Fibrosis": "Fibrosis",
    "Hernia": "Hernia",
    "Infiltration": "Infiltration",
    "Mass": "Mass",
    "No Finding": "No Finding",
    "Nodule": "Nodule",
    "Pleural_Thickening": "Pleural Thickening",
    "Pneumonia": "Pneumonia",
    "Pneumothorax": "Pneumothorax",
}

KNOWN = tuple(in_label_order(list(FINDINGS.values())))
IMAGE_FOLDERS = ("", "images", "images_*/images", "images_*")


def read(labels: Path, options: Options) -> Harmonized:
    """Read the label file, or the folder that has it and perhaps ``test_list.txt``.

    With a test list every image is in ``test`` or ``train``. NIH has no studies, so each image is
    its own, and no uncertain marks.
    """
    test_list = options.test_list
    if labels.is_dir():
        test_list = test_list or _test_list(labels)
        labels = _label_file(labels)
    file = read_label_file(labels)
    path = file.paths("Image Index")
    view = file.column("View Position")
    columns = {
        "path": path,
        "patient_id": file.extract("Patient ID", r"^0*([0-9]+)$", "a number")[0],
        "study_id": path,
        "view": view.where(view.isin(["PA", "AP"]), "OTHER"),
        "split": None if test_list is None else _split(file, test_list),
    }
    harmonized = join_parts([make_part(file, "nih", columns, KNOWN, _marks(file), options)], KNOWN)
    official = {} if test_list is None else {"test": test_list.name}
    return replace(harmonized, official=official)


def _test_list(folder: Path) -> Path | None:
    """Return the test list of a folder, whatever follows its name; copies of the release differ there."""
    found = sorted([*folder.glob("test_list*.txt"), *folder.glob("test_list*.txt.gz")])
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise StudyError(f"{folder}: expected one file test_list*.txt, found {names}")
    return next(iter(found), None)


def _label_file(folder: Path) -> Path:
    pattern = "Data_Entry_2017*.csv"
    found = sorted([*folder.glob(pattern), *folder.glob(f"{pattern}.gz")])
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise StudyError(f"{folder}: expected one file {pattern} in this folder, found {names}")
    return found[0]


def _marks(file: LabelFile) -> np.ndarray:
    """Return int8 (N, 15), 1 or 0: the few hundred combinations are decoded once each."""
    name = "Finding Labels"
    codes, combinations = pd.factorize(file.column(name))
    table = np.zeros((len(combinations), len(KNOWN)), np.int8)
    for row, combination in enumerate(combinations):
        for finding in combination.split("|"):
            if finding.strip() not in FINDINGS:
                record = int((codes == row).argmax())
                known = ", ".join(FINDINGS)
                file.fail(record, f"{name}: unknown finding {shown(finding)}, expected some of {known}")
            table[row, KNOWN.index(FINDINGS[finding.strip()])] = 1
    return table[codes]


def _split(file: LabelFile, test_list: Path) -> pd.Series:
    listed = set(read_lines(test_list))
    is_test = file.column("Image Index").isin(listed)
    found = file.column("Image Index")[is_test].nunique()
    if not found or found < len(listed) / 2:
        known = "none" if not found else f"only {found}"
        raise StudyError(
            f"{test_list}: {known} of its {len(listed)} images is in {file.path}, expected at least half; "
            f"list the images of this copy alone"
        )
    return is_test.map({True: "test", False: "train"})
