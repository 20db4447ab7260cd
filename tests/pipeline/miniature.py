"""Small copies of the four data sets as they are downloaded: every column, folder and oddity, few images.

MIMIC-CXR-JPG, ChestX-ray14 and CheXpert come from the demo's writers; CheXpert is then laid out in the
batches of its full release. PadChest is written here: multi-line cells, 16-bit PNG files in folders.
"""

import csv
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from cxrlt_core.demo.releases import write_release
from cxrlt_core.params.schema import Demo, DemoImages
from tests.cxrlt_core.sources.label_files import PADCHEST_HEADER

PADCHEST = "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"

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
    places = root / "places.parquet"
    write_release("mimic", demo, root / "cxr-lt-2023", root / "mimic-cxr-jpg", places)
    for source in ("nih", "chexpert"):
        write_release(source, demo, root / "labels", root / source, places)
        shutil.copytree(root / "labels", root / source, dirs_exist_ok=True)
        shutil.rmtree(root / "labels")
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
    for file in root.glob("*.csv"):
        file.write_text(file.read_text().replace("CheXpert-v1.0-small/", "CheXpert-v1.0/"))


def write_padchest(root: Path, count: int) -> None:
    """Write PadChest's label file and its images, 16 bits deep, in the folders 0 and 1."""
    generator = np.random.default_rng(11)
    root.mkdir(parents=True)
    with (root / PADCHEST).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, PADCHEST_HEADER.split(","), restval="None")
        writer.writeheader()
        for number in range(count):
            study, folder = 7_000 + number // 2, str(number % 2)
            name, view = f"{study}_{number:06d}.png", ("PA", "L", "AP_horizontal")[number % 3]
            row = {"": number, "ImageID": name, "ImageDir": folder, "StudyID": study, "Projection": view}
            row |= {"PatientID": 300 + number // 4, "Report": "sin hallazg \n patolog ."}
            row |= {"MethodLabel": "Physician", "Labels": FINDINGS[number % len(FINDINGS)]}
            writer.writerow(row)
            pixels = generator.integers(200, 4095, (60, 50)).astype(np.uint16)
            (root / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(root / folder / name)
