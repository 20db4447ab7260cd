"""Writers of small label files in the real formats."""

import gzip

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import Options

#: The label columns, in the order of the release.
CHEXPERT_KNOWN = [
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion"),
    *("Edema", "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion"),
    *("Pleural Other", "Fracture", "Support Devices"),
]
NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
CHEXPERT_HEADER = ",".join(["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *CHEXPERT_KNOWN])
MIMIC_META = "dicom_id,subject_id,study_id,ViewPosition,ViewCodeSequence_CodeMeaning,fpath"
MIMIC_HEADER = ",".join([MIMIC_META, *CLASSES])


def options(space="cxrlt2023", **changes):
    """How a source is read, into a label space."""
    return Options(read_label_space(space), **changes)


def write(path, *lines, newline="\n"):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(line + newline for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def nih_row(image="00000001_000.png", findings="No Finding", patient="1", view="PA", age="57", sex="M"):
    return f"{image},{findings},0,{patient},{age},{sex},{view},2682,2749,0.143,0.143"


def chexpert_row(
    path="CheXpert-v1.0/train/patient00001/study1/view1_frontal.jpg",
    side="Frontal",
    projection="AP",
    sex="Female",
    age="68",
    **marks,
):
    marks = {name.replace("_", " "): mark for name, mark in marks.items()}
    return ",".join([path, sex, age, side, projection, *(marks.get(c, "") for c in CHEXPERT_KNOWN)])


def mimic_row(
    dicom="a", subject="10000032", study="50414267", view="PA", meaning="", path=None, label="0", **marks
):
    path = path or f"files/p{subject[:2]}/p{subject}/s{study}/{dicom}.jpg"
    marks = {name.replace("_", " "): mark for name, mark in marks.items()}
    return ",".join([dicom, subject, study, view, meaning, path, *(marks.get(c, label) for c in CLASSES)])


PADCHEST_HEADER = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,"
    "ViewPosition_DICOM,Projection,MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,"
    "PhotometricInterpretation_DICOM,PixelRepresentation_DICOM,PixelAspectRatio_DICOM,"
    "SpatialResolution_DICOM,BitsStored_DICOM,WindowCenter_DICOM,WindowWidth_DICOM,Rows_DICOM,"
    "Columns_DICOM,XRayTubeCurrent_DICOM,Exposure_DICOM,ExposureInuAs_DICOM,ExposureTime,"
    "RelativeXRayExposure_DICOM,ReportID,Report,MethodLabel,Labels,Localizations,"
    "LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS"
)


def padchest_row(labels="['normal']", image="10_a.png", patient="1", study="10", view="PA", cuis="[]"):
    """A row of the release; ``cuis`` may have line breaks, as the release has in that column."""
    scan = f"10,{image},0,20140915,{study},{patient},1930.0,F,POSTEROANTERIOR,{view},Manual review of"
    scan += " DICOM fields,No,CR,ImagingDynamicsCompanyLtd,MONOCHROME2,0,None,None,12,2092,2251,1728,1872"
    report = '250,2,2500,10,-1.42,4765777, sin hallazg patolog edad pacient .,Physician,"' + labels
    return f'{scan},{report}",[],"[[\'normal\'], [\'normal\']]","{cuis}",[]'


HEADERS = {"nih": NIH_HEADER, "chexpert": CHEXPERT_HEADER, "mimic": MIMIC_HEADER}
HEADERS["padchest"] = PADCHEST_HEADER
