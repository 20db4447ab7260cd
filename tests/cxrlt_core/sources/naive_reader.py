"""Slow reference readers, a row at a time with the csv module; the fast ones are held against them."""

import csv
import gzip
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
from label_files import CHEXPERT_KNOWN

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources.padchest import INCOMPLETE

NIH_NAMES = {"Effusion": "Pleural Effusion", "Pleural_Thickening": "Pleural Thickening"}
NIH_KNOWN = [
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Emphysema", "Fibrosis", "Hernia"),
    *("Infiltration", "Mass", "No Finding", "Nodule", "Pleural Effusion", "Pleural Thickening"),
    *("Pneumonia", "Pneumothorax"),
]

STATED = read_label_space("cxrlt2023").relations["padchest"]
SAME = {name: {"exact": [name.lower()]} for name in ("Pneumomediastinum", "Subcutaneous Emphysema")}
#: Class to the findings of PadChest that are it, and those that leave it open.
RULES = {
    name: SimpleNamespace(
        positive=related.get("exact", []) + related.get("narrower", []), unknown=related.get("near", [])
    )
    for name, related in sorted({**STATED, **SAME}.items())
}

CHEXPERT_FINDINGS = set(CHEXPERT_KNOWN) - {"No Finding", "Support Devices"}


def rows_of(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as stream:
        reader = csv.reader(stream)
        header = next(reader)
        for row in reader:
            if row:
                yield dict(zip(header, row, strict=False))


def row_of(source, path, patient, study, view, split, labels, sex="", age=None):
    row = {"image_id": f"{source}/{path}", "patient_id": f"{source}/{patient}"}
    row |= {"study_id": f"{source}/{study}", "view": view, "path": path, "split": split}
    row |= {"sex": {"F": "F", "M": "M"}.get(sex[:1], ""), "age": age if age and age <= 120 else None}
    return row | {name: labels.get(name, -1) for name in CLASSES}


def read_nih(path, test=None):
    for row in rows_of(path):
        image = row["Image Index"]
        found = {NIH_NAMES.get(name, name) for name in row["Finding Labels"].split("|")}
        view = row["View Position"] if row["View Position"] in ("PA", "AP") else "OTHER"
        split = None if test is None else "test" if image in test else "train"
        labels = {name: int(name in found) for name in NIH_KNOWN}
        person = row["Patient Gender"], int(row["Patient Age"].strip("Y"))
        yield row_of("nih", image, int(row["Patient ID"]), image, view, split, labels, *person)


def read_chexpert(path, uncertain, split=None):
    values = {"": 0, "0.0": 0, "1.0": 1, "-1.0": {"ignore": -1, "zero": 0, "one": 1}[uncertain]}
    for row in rows_of(path):
        if not any(row[name] for name in CHEXPERT_KNOWN):
            continue
        if row["No Finding"] == "1.0" and any(row[name] == "1.0" for name in CHEXPERT_FINDINGS):
            continue
        parts = row["Path"].split("/")
        if row["Frontal/Lateral"] == "Lateral":
            view = "LATERAL"
        else:
            view = row["AP/PA"] if row["AP/PA"] in ("AP", "PA") else "OTHER"
        labels = {name: values[row[name]] for name in CHEXPERT_KNOWN}
        study = f"{parts[-3]}/{parts[-2]}"
        path_ = "/".join(parts[-3:])
        yield row_of("chexpert", path_, parts[-3], study, view, split, labels, row["Sex"], int(row["Age"]))


MIMIC_VIEWS = {"PA": "PA", "AP": "AP", "LATERAL": "LATERAL", "LL": "LATERAL"}
MIMIC_VIEWS |= {"AP AXIAL": "AP", "AP LLD": "AP", "PA RLD": "PA", "XTABLE LATERAL": "LATERAL"}
MIMIC_MEANINGS = {"postero-anterior": "PA", "antero-posterior": "AP", "lateral": "LATERAL"}


def read_mimic(path, split=None):
    for row in rows_of(path):
        position, meaning = row["ViewPosition"], row["ViewCodeSequence_CodeMeaning"]
        found = MIMIC_VIEWS.get(position) if position else MIMIC_MEANINGS.get(meaning)
        image = "files/" + re.search(r"p\d\d/p\d+/s\d+/.*", row["fpath"])[0]
        labels = {name: int(float(row[name])) for name in CLASSES}
        ids = row["subject_id"], row["study_id"]
        yield row_of("mimic", image, *ids, found or "OTHER", split, labels)


PADCHEST_VIEWS = {"PA": "PA", "AP": "AP", "AP_horizontal": "AP", "L": "LATERAL"}


def read_padchest(path):
    for row in rows_of(path):
        cell = row["Labels"].strip()
        found = [name.strip().strip("'").strip() for name in cell.strip("[]").split(",")]
        whole = cell not in ("", "nan", "[]") and not any(name in INCOMPLETE for name in found)
        labels = {}
        for name, rule in RULES.items():
            if any(finding in rule.positive for finding in found):
                labels[name] = 1
            elif whole and not any(finding in rule.unknown for finding in found):
                labels[name] = 0
        sick = {name for name in labels if labels[name] == 1} - {"No Finding", "Support Devices"}
        rest = [name for name in found if name not in ("normal", *RULES["Support Devices"].positive)]
        labels["No Finding"] = 0 if sick else 1 if "normal" in found and not rest else -1
        if set(labels.values()) != {-1} and row["Projection"] in PADCHEST_VIEWS:
            ids = row["PatientID"], f"{row['PatientID']}/{row['StudyID']}"
            view = PADCHEST_VIEWS[row["Projection"]]
            age = int(row["StudyDate_DICOM"][:4]) - int(row["PatientBirth"][:4])
            yield row_of("padchest", row["ImageID"], *ids, view, None, labels, row["PatientSex_DICOM"], age)


def assert_same(table, rows):
    """Hold a table against the rows of a naive reader, dtypes included."""
    expected = pd.DataFrame(list(rows)).astype(dict.fromkeys(CLASSES, np.int8))
    expected = expected.astype({"split": "str", "age": "float64"})
    told = {"sex": (expected["sex"] != "").any(), "age": expected["age"].notna().any()}
    expected = expected.drop(columns=[name for name, known in told.items() if not known])
    pd.testing.assert_frame_equal(table, expected)
