"""PadChest (Bustos et al. 2020): 174 radiographic findings and 19 differential diagnoses, as a list.

``PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv``. A list holds what a report says is there;
PadChest does not mark uncertain ones, so ``uncertain`` changes nothing. Physicians made 24 % of the
lists, the authors' model the rest.
"""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxrlt_core.labels import NEGATIVE, POSITIVE
from cxrlt_core.sources.label_file import BLANK, LabelFile, find_file, read_label_file
from cxrlt_core.sources.table import Harmonized, Options, join_parts, make_part, refuse_test_list
from cxrlt_core.system.errors import StudyError


class Rule(NamedTuple):
    """Findings that decide the label of a class; without any of them it is negative."""

    positive: tuple[str, ...]  # the class under another name, or a subtype of it
    unknown: tuple[str, ...] = ()  # may be the class or accompany it: neither positive nor negative


_ATELECTASIS = (
    *("atelectasis", "atelectasis basal", "laminar atelectasis", "lobar atelectasis"),
    *("round atelectasis", "segmental atelectasis", "total atelectasis"),
)
_CONSOLIDATION = ("consolidation", "air bronchogram")
_FISSURES = ("fissure thickening", "major fissure thickening", "minor fissure thickening")
# In PadChest's tree consolidation is one of these too, but our label space sets it apart.
_INFILTRATES = (
    *("infiltrates", "interstitial pattern", "reticular interstitial pattern", "miliary opacities"),
    *("reticulonodular interstitial pattern", "ground glass pattern", "alveolar pattern"),
)
_NODULES = ("nodule", "multiple nodules")
_NODULE_LIKE = (
    *("pseudonodule", "nipple shadow", "end on vessel", "granuloma", "calcified granuloma"),
    *("lung metastasis", "lepidic adenocarcinoma"),
)
_MASSES = ("mass", "pulmonary mass")
_AORTA = ("aortic elongation", "ascendent aortic elongation", "descendent aortic elongation")
# Of the branches above the arch, of the arch alone, and a bulge: none is a tortuous aorta by itself.
_AORTA_LIKE = ("supra aortic elongation", "aortic button enlargement", "aortic aneurysm")
_DEVICES = (
    *("endotracheal tube", "tracheostomy tube", "NSG tube", "chest drain tube", "gastrostomy tube"),
    *("nephrostomy tube", "ventriculoperitoneal drain tube", "double J stent", "catheter"),
    *("central venous catheter", "central venous catheter via jugular vein"),
    *("central venous catheter via subclavian vein", "central venous catheter via umbilical vein"),
    *("reservoir central venous catheter", "electrical device", "pacemaker", "dai"),
    *("single chamber device", "dual chamber device", "artificial heart valve"),
    *("artificial aortic heart valve", "artificial mitral heart valve"),
)
# Surgical wires and clips (sternotomy, suture material) are not devices.
_IMPLANTS = (
    *("metal", "osteosynthesis material", "prosthesis", "humeral prosthesis", "endoprosthesis"),
    *("aortic endoprosthesis", "abnormal foreign body", "external foreign body"),
)

#: Class to the findings that decide it; subtypes follow PadChest's tree. Left out, so unknown
#: throughout: Lung Lesion, which CXR-LT marks in fewer images than Mass or Nodule, so it is not
#: their union; Pleural Other, for which PadChest has no finding.
RULES = {
    "Atelectasis": Rule(_ATELECTASIS, ("volume loss", "hypoexpansion basal")),
    # PadChest maps the first to UMLS C1096249, "calcification of the aorta"; the second has no site.
    "Calcification of the Aorta": Rule(("aortic atheromatosis",), ("calcified densities",)),
    "Cardiomegaly": Rule(("cardiomegaly",), ("pericardial effusion",)),
    "Consolidation": Rule(("consolidation",), ("air bronchogram", "alveolar pattern")),
    # CXR-LT counts heart failure and congestion as edema, PadChest lists them separately.
    "Edema": Rule(
        ("pulmonary edema",),
        (
            *("heart insufficiency", "hilar congestion", "kerley lines", "vascular redistribution"),
            "central vascular redistribution",
        ),
    ),
    "Emphysema": Rule(("emphysema",), ("COPD signs", "bullas", "hyperinflated lung", "air trapping")),
    # A wide cardiomediastinal silhouette is listed as cardiomegaly, so that may hide this class.
    "Enlarged Cardiomediastinum": Rule(
        ("mediastinal enlargement", "superior mediastinal enlargement"),
        (
            *("cardiomegaly", "pericardial effusion", *_AORTA, *_AORTA_LIKE, "goiter"),
            *("mediastinal mass", "mediastinic lipomatosis"),
        ),
    ),
    "Fibrosis": Rule(
        ("pulmonary fibrosis",),
        (
            *("fibrotic band", "post radiotherapy changes", "asbestosis signs", "tuberculosis sequelae"),
            "chronic changes",
        ),
    ),
    # A healed fracture is one for CXR-LT; vertebral compression is often wedging by age.
    "Fracture": Rule(
        (
            *("fracture", "rib fracture", "callus rib fracture", "clavicle fracture"),
            *("humeral fracture", "vertebral fracture"),
        ),
        ("vertebral compression", "vertebral anterior compression"),
    ),
    "Hernia": Rule(("hiatal hernia",)),
    "Infiltration": Rule(_INFILTRATES, (*_CONSOLIDATION, "increased density")),
    # An infiltrate or a nodule is an opacity, but whether a labeller called it one is not known.
    "Lung Opacity": Rule(
        ("increased density",),
        (
            *(*_INFILTRATES, *_CONSOLIDATION, *_ATELECTASIS, *_NODULES, *_NODULE_LIKE, *_MASSES),
            *("cavitation", "pneumonia", "atypical pneumonia", "tuberculosis", "pulmonary edema"),
            *("pulmonary fibrosis", "fibrotic band", "bronchovascular markings", "volume loss"),
            "chronic changes",
        ),
    ),
    # A mass of another organ may or may not be meant.
    "Mass": Rule(
        _MASSES,
        (
            *("mediastinal mass", "pleural mass", "soft tissue mass", "breast mass"),
            *("lung metastasis", "lepidic adenocarcinoma"),
        ),
    ),
    "No Finding": Rule(("normal",)),  # see also _no_finding
    "Nodule": Rule(_NODULES, (*_NODULE_LIKE, "miliary opacities")),
    # A blunted angle is a little fluid or a scar.
    "Pleural Effusion": Rule(
        (
            *("pleural effusion", "loculated pleural effusion", "loculated fissural effusion"),
            *("hydropneumothorax", "empyema"),
        ),
        ("costophrenic angle blunting",),
    ),
    "Pleural Thickening": Rule(
        ("pleural thickening", "apical pleural thickening", "calcified pleural thickening"),
        ("pleural plaques", "calcified pleural plaques", "costophrenic angle blunting", *_FISSURES),
    ),
    "Pneumomediastinum": Rule(("pneumomediastinum",)),
    "Pneumonia": Rule(("pneumonia", "atypical pneumonia"), ("tuberculosis",)),
    "Pneumoperitoneum": Rule(("pneumoperitoneo",)),
    "Pneumothorax": Rule(("pneumothorax", "hydropneumothorax")),
    "Subcutaneous Emphysema": Rule(("subcutaneous emphysema",)),
    "Support Devices": Rule(_DEVICES, _IMPLANTS),
    # Spanish reports say "elongación aórtica" where English ones say tortuous or unfolded.
    "Tortuous Aorta": Rule(_AORTA, _AORTA_LIKE),
}

#: Entries that leave the list incomplete: a reference to an earlier report, an unusable report, an
#: image of poor quality, and "" for a sentence for which the authors' model had no finding.
INCOMPLETE = ("unchanged", "exclude", "suboptimal study", "")

IMAGE_FOLDERS = ("", "[0-9]*")  # all images in one folder, or in the folders 0 to 54

_FILE = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
_VIEWS = {"PA": "PA", "AP": "AP", "AP_HORIZONTAL": "AP", "L": "LATERAL"}
_LIST = re.compile(r"\s*(?:nan|\[\s*(?:'[^']*'\s*(?:,\s*'[^']*'\s*)*)?\])?\s*")
_FINDINGS = {finding for rule in RULES.values() for finding in rule.positive + rule.unknown}


def read(labels: Path, options: Options) -> Harmonized:
    """Read the label file, or the folder that has it; there is no official split.

    A class is positive if one of its findings is listed and otherwise negative, or unknown where
    :data:`RULES` or :data:`INCOMPLETE` leave it open. An image without a known label is dropped.
    """
    refuse_test_list("padchest", options.test_list)
    path = find_file(labels, _FILE) if labels.is_dir() else labels
    if path is None:
        raise StudyError(f"{labels}: expected {_FILE} or {_FILE}.gz in this folder")
    file = read_label_file(path)
    patient = file.numbers("PatientID")
    study = file.extract("StudyID", r"^\s*0*([0-9][0-9_-]*)\s*$", "a number, perhaps with - or _")[0]
    columns = {
        "path": file.paths("ImageID"),
        "patient_id": patient,
        "study_id": patient + "/" + study,  # one StudyID of the release belongs to two patients
        "view": file.codes("Projection").map(_VIEWS).fillna("OTHER"),
        "split": None,
    }
    return join_parts([make_part(file, "padchest", columns, _marks(file), options)])


def _marks(file: LabelFile) -> pd.DataFrame:
    """Return the marks, 1, 0 or BLANK: the distinct lists are decoded once each."""
    codes, cells = pd.factorize(file.column("Labels"))
    valid = np.array([_LIST.fullmatch(cell) is not None for cell in cells])
    file.check("Labels", valid[codes], "a list such as ['pneumonia', 'cardiomegaly']")
    # {""} for a blank cell or an empty list, which say nothing
    lists = [{name.strip() for name in re.findall("'([^']*)'", cell)} or {""} for cell in cells]
    if _FINDINGS.isdisjoint(set().union(*lists)):
        raise StudyError(f"{file.path}: Labels: no finding of PadChest, expected some such as 'normal'")
    marks = np.array([_decode(findings) for findings in lists], np.int8)[codes]
    return pd.DataFrame(marks, file.cells.index, list(RULES))


def _decode(findings: set[str]) -> list[int]:
    """Return the mark of each known class."""
    unlisted = NEGATIVE if findings.isdisjoint(INCOMPLETE) else BLANK
    marks = dict.fromkeys(RULES, unlisted)
    for name, rule in RULES.items():
        if not findings.isdisjoint(rule.positive):
            marks[name] = POSITIVE
        elif not findings.isdisjoint(rule.unknown):
            marks[name] = BLANK
    marks["No Finding"] = _no_finding(findings, marks)
    return list(marks.values())


def _no_finding(findings: set[str], marks: dict[str, int]) -> int:
    """Return No Finding: positive for ``normal`` with at most devices, negative with another class.

    ``normal`` beside other findings refers to the rest of the image, and with findings outside our
    classes alone (scoliosis, say) CXR-LT may see No Finding where PadChest does not say ``normal``.
    """
    if findings.difference(_DEVICES) == {"normal"}:
        return POSITIVE
    diseases = (mark for name, mark in marks.items() if name not in ("No Finding", "Support Devices"))
    return NEGATIVE if POSITIVE in diseases else BLANK
