"""NIH ChestX-ray14 (Wang et al. 2017): 14 findings and No Finding, ``A|B`` in one column.

``Data_Entry_2017.csv`` or ``Data_Entry_2017_v2020.csv``, and the official ``test_list.txt``.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.label_file import LabelFile, find_matching, read_label_file, read_lines
from cxrlt_core.sources.label_table import Harmonized, Options, join_parts, make_part, person
from cxrlt_core.system.errors import StudyError, meant, shown

SPACE, NO_FINDING = "nih14", "No Finding"

IMAGE_FOLDERS = ("", "images", "images_*/images", "images_*")


def read(labels: Path, options: Options) -> Harmonized:
    """Read the label file, or the folder that has it and perhaps ``test_list.txt``.

    With a test list every image is in ``test`` or ``train``. NIH has no uncertain marks and no studies:
    each image is a study.
    """
    test_list = options.test_list
    if labels.is_dir():
        folder, labels = labels, find_matching(labels, "Data_Entry_2017*.csv")
        test_list = test_list or find_matching(folder, "test_list*.txt")
        if labels is None:
            raise StudyError(f"{folder}: expected one file Data_Entry_2017*.csv in this folder, found none")
    file = read_label_file(labels)
    path = file.paths("Image Index")
    view = file.codes("View Position")
    columns = {
        "path": path,
        "patient_id": file.numbers("Patient ID"),
        "study_id": path,
        "view": view.where(view.isin(["PA", "AP"]), "OTHER"),
        "split": None if test_list is None else _split(file, test_list),
        **person(file, "Patient Gender", "Patient Age"),
    }
    harmonized = join_parts([make_part(file, columns, _marks(file), options, of=SPACE)])
    official = {} if test_list is None else {"test": test_list.name}
    return replace(harmonized, official=official)


def _marks(file: LabelFile) -> pd.DataFrame:
    """Return the marks, 1 or 0: the few hundred combinations are decoded once each.

    StudyError for a finding that is none, and for No Finding beside one, which no file of NIH has.
    """
    name, known = "Finding Labels", read_label_space(SPACE).classes
    codes, combinations = pd.factorize(file.column(name))
    table = np.zeros((len(combinations), len(known)), np.int8)
    for row, combination in enumerate(combinations):
        findings = [finding.strip() for finding in combination.split("|")]
        if problem := _problem(findings, known):
            file.fail(int((codes == row).argmax()), f"{name}: {problem}")
        table[row, [known.index(finding) for finding in findings]] = 1
    return pd.DataFrame(table[codes], file.cells.index, known)


def _problem(findings: Sequence[str], known: Sequence[str]) -> str | None:
    """Say what is wrong with the findings of an image, if anything."""
    for finding in findings:
        if finding not in known:
            expected = meant(finding, known) or f", expected some of {', '.join(known)}"
            return f"unknown finding {shown(finding)}{expected}"
    if NO_FINDING in findings and len(set(findings)) > 1:
        return f"{shown('|'.join(findings))} is a contradiction, expected {NO_FINDING} alone or findings"
    return None


def _split(file: LabelFile, test_list: Path) -> pd.Series:
    listed, images = set(read_lines(test_list)), file.column("Image Index")
    is_test = images.isin(listed)
    matches = images[is_test].nunique()
    if not matches or matches < len(listed) / 2:
        known = f"only {matches}" if matches else "none"
        raise StudyError(
            f"{test_list}: {known} of its {len(listed)} images is in {file.path}, expected at least half; "
            f"list the images of this copy alone"
        )
    return is_test.map({True: "test", False: "train"})
