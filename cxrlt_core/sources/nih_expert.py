"""Images of ChestX-ray14 as radiologists read them: four findings (Majkowska 2020) or all (Nabulsi 2021).

``four_findings_expert_labels_test_labels.csv`` has 1,962 images, the validation set of that name 2,414, and
``all_findings_expert_labels_test_labels.csv`` 810 of the first: YES or NO by adjudication or majority.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.label_file import BLANK, LabelFile, find_matching, read_label_file
from cxrlt_core.sources.label_table import Harmonized, LabelRows, Options, join_parts, make_part, person
from cxrlt_core.sources.mimic import sets_of
from cxrlt_core.sources.nih import IMAGE_FOLDERS, NO_FINDING
from cxrlt_core.system.errors import StudyError

__all__ = ["IMAGE_FOLDERS", "read"]

FOUR, ALL = "nih_expert", "nih14"  # the label spaces of the two releases

_FILES = {"dev": "*expert_labels_validation_labels.csv", "test": "*expert_labels_test_labels.csv"}


def read(labels: Path, options: Options) -> Harmonized:
    """Read a file, or the folder with the test and perhaps the validation set, which are then official."""
    if not labels.is_dir():  # which may have a column of sets
        harmonized = join_parts([_part(labels, None, options)])
        sets = harmonized.table["split"].dropna().unique()
        return replace(harmonized, official=dict.fromkeys(sets, labels.name))
    files = {split: path for split, name in _FILES.items() if (path := find_matching(labels, name))}
    if "test" not in files:
        raise StudyError(f"{labels}: expected one file {_FILES['test']} in this folder, found none")
    harmonized = join_parts([_part(path, split, options) for split, path in files.items()])
    return replace(harmonized, official={split: path.name for split, path in files.items()})


def _part(path: Path, split: str | None, options: Options) -> LabelRows:
    file = read_label_file(path)
    all_findings = "Abnormal" in file.cells
    images = file.paths("Image ID" if all_findings else "Image Index")
    columns = {
        "path": images,
        "patient_id": file.numbers("Patient ID"),
        "study_id": images,
        "view": "PA" if all_findings else file.codes("View Position"),  # the 810 are all PA
        "split": sets_of(file, "Set Id") if split is None and "Set Id" in file.cells else split,
        **person(file, "Patient Gender", "Patient Age"),
    }
    marks = _all(file) if all_findings else _yes(file, read_label_space(FOUR).classes)
    return make_part(file, columns, marks, options, of=ALL if all_findings else FOUR)


def _yes(file: LabelFile, names: list[str]) -> pd.DataFrame:
    """Return marks, 1 or 0, of columns of YES and NO."""
    said = {name: file.codes(name) for name in names}
    for name, words in said.items():
        file.check(name, words.isin(["YES", "NO", "1", "0"]), "YES or NO")
    return pd.DataFrame({name: words.isin(["YES", "1"]).astype(np.int8) for name, words in said.items()})


def _all(file: LabelFile) -> pd.DataFrame:
    """Return marks of the 14 findings, and of No Finding: open where an image is abnormal in another way."""
    names = read_label_space(ALL).groups["findings"]
    spaced = {name: name.replace("_", " ") for name in names}
    marks = _yes(file, [spaced[n] if spaced[n] in file.cells else n for n in names]).set_axis(names, axis=1)
    sick, abnormal = (marks == 1).any(axis=1), _yes(file, ["Abnormal"])["Abnormal"] == 1
    normal = np.select([sick, abnormal], [0, BLANK], 1)
    return marks.assign(**{NO_FINDING: normal.astype(np.int8)})
