"""CheXpert (Irvin et al. 2019): 14 columns of 1, 0, -1 (uncertain) or blank (not mentioned)."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.labels import NEGATIVE, UNKNOWN
from cxrlt_core.sources.label_file import LabelFile, find_split_files, read_label_file
from cxrlt_core.sources.label_table import Harmonized, LabelRows, Options, join_parts, make_part, person
from cxrlt_core.system.settings import Section

SPACE = "chexpert14"

_RELEASE = "CheXpert-v1.0*"
# The full release comes in folders such as "CheXpert-v1.0 batch 2 (train 1)", some of which contain the
# patients' folders themselves; train, valid and test have no patient in common.
_SETS = ("train", "valid", "test")
IMAGE_FOLDERS = ("", *_SETS, _RELEASE, *(f"{_RELEASE}/{name}" for name in _SETS))

_FILES = {"train": ("train.csv",), "dev": ("valid.csv",)}
_TEST = {"test": ("test_labels.csv", "groundtruth.csv")}  # released later, so in few copies

#: What a blank is: the finding is not there, or the report does not say.
BLANKS = {"negative": NEGATIVE, "unknown": UNKNOWN}


class Settings(Section):
    """Keys of its own."""

    blank: Literal["negative", "unknown"] = "negative"


def read(labels: Path, options: Options) -> Harmonized:
    """Read ``train.csv``, or the folder that has it and perhaps the dev and test sets that radiologists read.

    Any of the three files may be read by itself.
    """
    files = find_split_files(labels, _FILES, _TEST)
    official = {split: path.name for split, path in files.items() if split != "train"}
    parts = [_part(path, split if split in official else None, options) for split, path in files.items()]
    return replace(join_parts(parts), official=official)


def _part(path: Path, split: str | None, options: Options) -> LabelRows:
    file = read_label_file(path)
    name = "Study" if "Study" in file.cells and "Path" not in file.cells else "Path"
    paths = file.paths(name)
    if name == "Study" or not paths.str.contains(r"\.\w+$").any():  # the test set names studies, not images
        paths = paths.str.rstrip("/") + "/view1_frontal.jpg"
    expected = "a path with patient<number>/study<number>/"
    groups = paths.str.extract("(?i)(?:^|/)patient0*([0-9]+)/study0*([0-9]+)/")
    file.check(name, groups[0].notna(), expected)
    patient = "patient" + groups[0].str.zfill(5)  # as the releases spell it
    columns = {
        # Releases differ in these folders only: the ids are the same.
        "path": paths.str.replace(r"^(CheXpert[^/]*/)?((train|valid|test)/)?", "", regex=True),
        "patient_id": patient,
        "study_id": patient + "/study" + groups[1],
        "view": _views(file) if "AP/PA" in file.cells else _views_of(paths),
        "split": split,
        **person(file, "Sex", "Age", youngest=1),  # 0 where it is unknown; 90 stands for more, too
    }
    marks = file.marks(read_label_space(SPACE).classes)
    return make_part(file, columns, marks, options, blank=BLANKS[options.own.blank], of=SPACE)


def _views(file: LabelFile) -> pd.Series:
    side, projection = file.codes("Frontal/Lateral"), file.codes("AP/PA")
    frontal = projection.where((side == "FRONTAL") & projection.isin(["AP", "PA"]), "OTHER")
    return pd.Series(np.where(side == "LATERAL", "LATERAL", frontal), file.cells.index)


def _views_of(paths: pd.Series) -> pd.Series:
    """Return the views of the test set, which tells them in the names of images alone."""
    view = paths.str.extract(r"(?i)_(frontal|lateral)\.\w+$")[0]
    return view.str.upper().fillna("OTHER")
