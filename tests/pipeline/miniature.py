"""Small copies of the four data sets as they are downloaded: every column, folder and oddity, few images.

MIMIC-CXR-JPG, ChestX-ray14 and CheXpert come from the demo's writers; CheXpert is then laid out in the
batches of its full release. PadChest is written here: multi-line cells, 16-bit PNG files in folders.
"""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from cxrlt_core.demo.releases import write_release
from cxrlt_core.params.schema import Demo, DemoImages

PADCHEST = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
PADCHEST_HEADER = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,"
    "ViewPosition_DICOM,Projection,MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,"
    "PhotometricInterpretation_DICOM,PixelRepresentation_DICOM,PixelAspectRatio_DICOM,"
    "SpatialResolution_DICOM,BitsStored_DICOM,WindowCenter_DICOM,WindowWidth_DICOM,Rows_DICOM,"
    "Columns_DICOM,XRayTubeCurrent_DICOM,Exposure_DICOM,ExposureInuAs_DICOM,ExposureTime,"
    "RelativeXRayExposure_DICOM,ReportID,Report,MethodLabel,Labels,Localizations,"
    "LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS"
)

#: What the miniature's PadChest images show, one after the other; the first five only PadChest labels.
FINDINGS = (
    "['aortic atheromatosis', 'cardiomegaly']",
    "['pneumomediastinum']",
    "['pneumoperitoneo']",
    "['subcutaneous emphysema', 'pneumothorax']",
    "['aortic elongation']",
    "['normal']",
    "['pleural effusion', '', 'kyphosis']",
)


def write_miniature(root: Path, train: int = 60, others: int = 30) -> None:
    """Write the four sources under a root, each in a folder as it is downloaded."""
    images = DemoImages(train=train, dev=others, test=others, extra=others)
    demo = Demo(seed=0, sources=["mimic", "nih", "chexpert"], text_encoders=[], size=48, images=images)
    write_release("mimic", demo, root / "cxr-lt-2023", root / "mimic-cxr-jpg", root / "mimic-places.parquet")
    for source in ("nih", "chexpert"):
        write_release(
            source, demo, root / f"{source}-labels", root / source, root / f"{source}-places.parquet"
        )
        for file in (root / f"{source}-labels").iterdir():
            file.rename(root / source / file.name)
        (root / f"{source}-labels").rmdir()
    _in_batches(root / "chexpert")
    write_padchest(root / "padchest", others)


def link_miniature(root: Path, repository: Path) -> None:
    """Link the sources to where the profiles look for them, as docs/your-data.md says."""
    local = repository / "data/local"
    for source in ("mimic", "nih", "chexpert", "padchest"):
        (local / source).mkdir(parents=True)
        (local / source / "images").symlink_to(root / ("mimic-cxr-jpg" if source == "mimic" else source))
    (local / "mimic/labels").symlink_to(root / "cxr-lt-2023")
    for source in ("nih", "chexpert", "padchest"):
        (local / source / "labels").mkdir()
        for file in (*(root / source).glob("*.csv"), *(root / source).glob("*.txt")):
            (local / source / "labels" / file.name).symlink_to(file)


def _in_batches(root: Path) -> None:
    """Lay CheXpert out as its full release: training patients in two folders, validation in a third."""
    small = root / "CheXpert-v1.0-small"
    for number, patient in enumerate(sorted((small / "train").iterdir())):
        batch = root / f"CheXpert-v1.0 batch {2 + number % 2} (train {1 + number % 2})"
        batch.mkdir(exist_ok=True)
        patient.rename(batch / patient.name)
    first = root / "CheXpert-v1.0 batch 1 (validate & csv)"
    first.mkdir()
    if (small / "valid").exists():
        (small / "valid").rename(first / "valid")
    for name in ("train.csv", "valid.csv"):
        text = (root / name).read_text().replace("CheXpert-v1.0-small/", "CheXpert-v1.0/")
        (root / name).write_text(text)


def write_padchest(root: Path, count: int) -> None:
    """Write PadChest's label file and its images, 16 bits deep, in the folders 0 and 1."""
    generator = np.random.default_rng(11)
    root.mkdir(parents=True)
    with (root / PADCHEST).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, PADCHEST_HEADER.split(","), restval="None")
        writer.writeheader()
        for number in range(count):
            name, folder = f"{7_000 + number // 2}_{number:06d}.png", str(number % 2)
            writer.writerow(
                {
                    "": number,
                    "ImageID": name,
                    "ImageDir": folder,
                    "StudyID": f"{7_000 + number // 2}",
                    "PatientID": f"{300 + number // 4}",
                    "Projection": ("PA", "L", "AP_horizontal")[number % 3],
                    "Report": "sin hallazg \n patolog .",
                    "MethodLabel": "Physician",
                    "Labels": FINDINGS[number % len(FINDINGS)],
                }
            )
            pixels = generator.integers(200, 4095, (60, 50)).astype(np.uint16)
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(root / folder / name)
