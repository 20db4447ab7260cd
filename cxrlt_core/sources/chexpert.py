"""CheXpert (Irvin et al. 2019): 14 columns of 1, 0, -1 (uncertain) or blank (not mentioned)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.labels import NEGATIVE
from cxrlt_core.sources.label_file import LabelFile, find_split_files, read_label_file
from cxrlt_core.sources.label_table import Harmonized, LabelRows, Options, join_parts, make_part

SPACE = "chexpert14"

# The full release comes in folders such as "CheXpert-v1.0 batch 2 (train 1)", some of which contain the
# patients' folders themselves; train and valid have no patient in common.
IMAGE_FOLDERS = ("", "train", "valid", "CheXpert-v1.0*", "CheXpert-v1.0*/train", "CheXpert-v1.0*/valid")


def read(labels: Path, options: Options) -> Harmonized:
    """Read ``train.csv``, or the folder that has it and perhaps ``valid.csv``, the official dev set."""
    files = find_split_files(labels, {"train": ("train.csv",), "dev": ("valid.csv",)})
    official = {split: path.name for split, path in files.items() if split != "train"}
    parts = [_part(path, split if split in official else None, options) for split, path in files.items()]
    return replace(join_parts(parts), official=official)


def _part(path: Path, split: str | None, options: Options) -> LabelRows:
    file = read_label_file(path)
    expected = "a path with patient<number>/study<number>/"
    ids = file.extract("Path", "(?i)(?:^|/)patient0*([0-9]+)/study0*([0-9]+)/", expected)
    patient = "patient" + ids[0].str.zfill(5)  # as the releases spell it
    columns = {
        # Releases differ in these folders only: the ids are the same.
        "path": file.paths("Path").str.replace(r"^(CheXpert-v1\.0[^/]*/)?((train|valid)/)?", "", regex=True),
        "patient_id": patient,
        "study_id": patient + "/study" + ids[1],
        "view": _views(file),
        "split": split,
    }
    marks = file.marks(read_label_space(SPACE).classes)
    return make_part(file, columns, marks, options, blank=NEGATIVE, of=SPACE)


def _views(file: LabelFile) -> pd.Series:
    side, projection = file.codes("Frontal/Lateral"), file.codes("AP/PA")
    frontal = projection.where((side == "FRONTAL") & projection.isin(["AP", "PA"]), "OTHER")
    return pd.Series(np.where(side == "LATERAL", "LATERAL", frontal), file.cells.index)
