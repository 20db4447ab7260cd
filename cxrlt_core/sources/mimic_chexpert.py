"""MIMIC-CXR-JPG (Johnson et al. 2019) with the labels of its own release: CheXpert's 14, for each study.

``mimic-cxr-2.0.0-chexpert.csv.gz`` or ``-negbio``, beside ``-metadata``, which lists the images, and
``-split``; or ``mimic-cxr-2.1.0-test-set-labeled.csv``: 687 studies whose reports a radiologist has labelled.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd

from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.chexpert import BLANKS, SPACE
from cxrlt_core.sources.label_file import BLANK, LabelFile, find_matching, read_label_file
from cxrlt_core.sources.label_table import Harmonized, Options, join_parts, make_part
from cxrlt_core.sources.mimic import sets_of, views
from cxrlt_core.system.errors import StudyError, shown
from cxrlt_core.system.settings import Section

IMAGE_FOLDERS = ("",)

_NAMES = {"chexpert": "chexpert", "negbio": "negbio", "radiologist": "test-set-labeled"}


class Settings(Section):
    """Who labelled, and what a blank is: the finding is not there, or the report does not say."""

    labeller: Literal["chexpert", "negbio", "radiologist"] = "chexpert"
    blank: Literal["negative", "unknown"] = "negative"


def read(labels: Path, options: Options) -> Harmonized:
    """Read the folder with the files; ``-split`` has the official split, without it there is none."""
    if not labels.is_dir():
        raise StudyError(f"{labels}: expected the folder with this file, mimic-cxr-*-metadata and -split")
    images = read_label_file(_file(labels, "metadata"))
    studies = images.numbers("study_id", "s")
    marks = _marks(read_label_file(_file(labels, _NAMES[options.own.labeller])), studies)
    patient, dicom = images.numbers("subject_id", "p"), images.column("dicom_id")
    images.check("dicom_id", dicom.str.fullmatch(r"[\w-]+"), "the name of an image")
    sets = find_matching(labels, "mimic-cxr-*-split.csv")
    columns = {
        "path": "files/p" + patient.str[:2] + "/p" + patient + "/s" + studies + "/" + dicom + ".jpg",
        "patient_id": patient,
        "study_id": studies,
        "view": views(images),
        "split": _split(read_label_file(sets), dicom) if sets else None,
    }
    blank = BLANKS[options.own.blank]
    harmonized = join_parts([make_part(images, columns, marks, options, blank=blank, of=SPACE)])
    there = set(harmonized.table["split"])
    official = {name: sets.name for name in ("dev", "test") if sets and name in there}
    return replace(harmonized, official=official)


def _file(folder: Path, name: str) -> Path:
    pattern = f"mimic-cxr-*-{name}.csv"
    if (path := find_matching(folder, pattern)) is None:
        raise StudyError(f"{folder}: expected one file {pattern} or {pattern}.gz in this folder, found none")
    return path


def _marks(file: LabelFile, studies: pd.Series) -> pd.DataFrame:
    """Return the marks of each image, which are its study's; a study that the file has not is blank.

    Radiologists read Airspace Opacity, which is Lung Opacity, and may lack a class, which is then unknown.
    """
    space = read_label_space(SPACE)
    called = {n: name for name in space.classes for n in (name, *space.aliases.get(name, []))}
    spelt = {n: name for n, name in called.items() if n in file.cells}
    names = list(spelt) if _NAMES["radiologist"] in file.path.name else space.classes
    marks = file.marks(names).rename(columns=spelt)
    numbers = file.numbers("study_id", "s")
    if (twice := numbers.duplicated()).any():
        at = int(twice.to_numpy().argmax())
        file.fail(at, f"study {shown(numbers.iloc[at])} is there twice, expected it once")
    return marks.set_axis(numbers).reindex(studies, fill_value=BLANK).set_axis(studies.index)


def _split(file: LabelFile, images: pd.Series) -> pd.Series:
    """Return the official set of each image."""
    named = pd.Series(sets_of(file).to_numpy(), file.column("dicom_id"))
    return images.map(named[~named.index.duplicated()])
