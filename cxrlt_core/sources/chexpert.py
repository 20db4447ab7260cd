"""CheXpert (Irvin et al. 2019): 14 columns of 1, 0, -1 (uncertain) or blank (not mentioned)."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.errors import StudyError
from cxrlt_core.labels import NEGATIVE, POSITIVE, UNKNOWN, in_label_order
from cxrlt_core.sources.table import (
    Harmonized,
    LabelFile,
    Part,
    find_file,
    join_parts,
    make_part,
    read_label_file,
    refuse_test_list,
)

KNOWN = tuple(
    in_label_order(
        [
            "No Finding",
            "Enlarged Cardiomediastinum",
            "Cardiomegaly",
            "Lung Opacity",
            "Lung Lesion",
            "Edema",
            "Consolidation",
            "Pneumonia",
            "Atelectasis",
            "Pneumothorax",
            "Pleural Effusion",
            "Pleural Other",
            "Fracture",
            "Support Devices",
        ]
    )
)
IMAGE_FOLDERS = ("", "CheXpert-v1.0*")

#: Policy to the label of an uncertain mark.
POLICIES = {"ignore": UNKNOWN, "zero": NEGATIVE, "one": POSITIVE}


def read(labels: Path, test_list: Path | None, uncertain: str) -> Harmonized:
    """Read ``train.csv``, or the folder that has it and perhaps ``valid.csv``, the official dev set.

    Args:
        labels: file or folder.
        test_list: must be None.
        uncertain: what -1 becomes: ``ignore`` (unknown), ``zero`` or ``one``.
    """
    refuse_test_list("chexpert", test_list)
    if uncertain not in POLICIES:
        known = ", ".join(POLICIES)
        raise StudyError(f"data.sources.chexpert.uncertain: expected {known}, found {uncertain!r}")
    parts = [_part(path, split, POLICIES[uncertain]) for path, split in _label_files(labels)]
    return join_parts(parts, KNOWN)


def _label_files(labels: Path) -> list[tuple[Path, str | None]]:
    if not labels.is_dir():
        return [(labels, None)]
    train, valid = find_file(labels, "train.csv"), find_file(labels, "valid.csv")
    if train is None:
        raise StudyError(f"{labels}: expected train.csv or train.csv.gz in this folder")
    return [(train, None)] + ([(valid, "dev")] if valid else [])


def _part(path: Path, split: str | None, uncertain: int) -> Part:
    file = read_label_file(path)
    ids = file.extract("Path", "(patient[0-9]+)/(study[0-9]+)/", "a path with patient<number>/study<number>/")
    columns = {
        # The full and the small release differ in this folder only: the ids are the same.
        "path": file.paths("Path").str.replace(r"^CheXpert-v1\.0[^/]*/", "", regex=True),
        "patient_id": ids[0],
        "study_id": ids[0] + "/" + ids[1],
        "view": _views(file),
        "split": split,
    }
    marks = file.marks(KNOWN)
    return make_part(file, "chexpert", columns, KNOWN, marks, uncertain=uncertain, blank=NEGATIVE)


def _views(file: LabelFile) -> pd.Series:
    side, projection = file.column("Frontal/Lateral"), file.column("AP/PA")
    frontal = projection.where((side == "Frontal") & projection.isin(["AP", "PA"]), "OTHER")
    return pd.Series(np.where(side == "Lateral", "LATERAL", frontal), file.cells.index)
