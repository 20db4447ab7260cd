"""Writers of small label files in the real formats."""

import gzip

from naive_reader import CHEXPERT_KNOWN

from cxrlt_core.labels import CLASSES

NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
CHEXPERT_HEADER = ",".join(["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT_KNOWN])
MIMIC_META = "dicom_id,subject_id,study_id,ViewPosition,ViewCodeSequence_CodeMeaning,fpath"
MIMIC_HEADER = ",".join([MIMIC_META, *CLASSES])


def write(path, *lines, newline="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(line + newline for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def nih_row(image="00000001_000.png", findings="No Finding", patient="1", view="PA"):
    return f"{image},{findings},0,{patient},57,M,{view},2682,2749,0.143,0.143"


def chexpert_row(
    path="CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg",
    side="Frontal",
    projection="AP",
    sex="Female",
    **marks,
):
    marks = {name.replace("_", " "): mark for name, mark in marks.items()}
    return ",".join([path, sex, "68", side, projection, *(marks.get(c, "") for c in CHEXPERT_KNOWN)])


def mimic_row(
    dicom="a", subject="10000032", study="50414267", view="PA", meaning="", path=None, label="0", **marks
):
    path = path or f"files/p{subject[:2]}/p{subject}/s{study}/{dicom}.jpg"
    marks = {name.replace("_", " "): mark for name, mark in marks.items()}
    return ",".join([dicom, subject, study, view, meaning, path, *(marks.get(c, label) for c in CLASSES)])
