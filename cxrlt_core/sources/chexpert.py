"""CheXpert (Irvin et al. 2019): 14 columns of 1, 0, -1 (uncertain) or blank (not mentioned)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.labels import NEGATIVE, in_label_order
from cxrlt_core.sources.table import (
    Harmonized,
    LabelFile,
    Options,
    Part,
    find_file,
    join_parts,
    make_part,
    read_label_file,
    refuse_other_files,
    refuse_test_list,
)
from cxrlt_core.system.errors import StudyError

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

# The full release comes in folders such as "CheXpert-v1.0 batch 2 (train 1)", some of which hold the
# patients themselves; train and valid have no patient in common.
IMAGE_FOLDERS = ("", "train", "valid", "CheXpert-v1.0*", "CheXpert-v1.0*/train", "CheXpert-v1.0*/valid")


def read(labels: Path, options: Options) -> Harmonized:
    """Read ``train.csv``, or the folder that has it and perhaps ``valid.csv``, the official dev set."""
    refuse_test_list("chexpert", options.test_list)
    files = _label_files(labels)
    parts = [_part(path, split, options) for path, split in files]
    official = {split: path.name for path, split in files if split}
    return replace(join_parts(parts, KNOWN), official=official)


def _label_files(labels: Path) -> list[tuple[Path, str | None]]:
    if not labels.is_dir():
        return [(labels, None)]
    train, valid = find_file(labels, "train.csv"), find_file(labels, "valid.csv")
    if train is None:
        raise StudyError(f"{labels}: expected train.csv or train.csv.gz in this folder")
    refuse_other_files(labels, {"train.csv": train, "valid.csv": valid})
    return [(train, None)] + ([(valid, "dev")] if valid else [])


def _part(path: Path, split: str | None, options: Options) -> Part:
    file = read_label_file(path)
    ids = file.extract("Path", "(patient[0-9]+)/(study[0-9]+)/", "a path with patient<number>/study<number>/")
    columns = {
        # The releases differ in these folders only: the ids are the same.
        "path": file.paths("Path").str.replace(r"^(CheXpert-v1\.0[^/]*/)?((train|valid)/)?", "", regex=True),
        "patient_id": ids[0],
        "study_id": ids[0] + "/" + ids[1],
        "view": _views(file),
        "split": split,
    }
    return make_part(file, "chexpert", columns, KNOWN, file.marks(KNOWN), options, blank=NEGATIVE)


def _views(file: LabelFile) -> pd.Series:
    side, projection = file.column("Frontal/Lateral"), file.column("AP/PA")
    frontal = projection.where((side == "Frontal") & projection.isin(["AP", "PA"]), "OTHER")
    return pd.Series(np.where(side == "Lateral", "LATERAL", frontal), file.cells.index)
