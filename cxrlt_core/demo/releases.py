"""Synthetic releases of MIMIC-CXR-JPG, ChestX-ray14 and CheXpert in their own on-disk formats.

The readers treat these files like the real ones: same file names, columns, spellings and oddities. The
same parameters give the same bytes.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from cxrlt_core.demo.boxes import write_boxes
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.phantom import STYLES, render_images
from cxrlt_core.demo.population import Population, draw_population
from cxrlt_core.params.schema import Demo, DemoImages
from cxrlt_core.system.atomic import atomic_folder
from cxrlt_core.system.errors import StudyError

JPEG_QUALITY = 95

#: NIH's names of its 14 findings, and the classes of those with another name.
NIH_FINDINGS = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Effusion", "Emphysema", "Fibrosis"),
    *("Hernia", "Infiltration", "Mass", "Nodule", "Pleural_Thickening", "Pneumonia", "Pneumothorax"),
)
NIH_RENAMED = {"Effusion": "Pleural Effusion", "Pleural_Thickening": "Pleural Thickening"}

#: As NIH wrote it: two names have a comma and no quotes, so 9 columns parse as 11.
NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)

CHEXPERT_CLASSES = (
    *("No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema"),
    *("Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other"),
    *("Fracture", "Support Devices"),
)

#: Share of CheXpert's positives that become uncertain; half as many negatives do. Others: 4 %.
UNCERTAIN: Mapping[str, float] = {
    "No Finding": 0.0,
    "Enlarged Cardiomediastinum": 0.2,
    "Cardiomegaly": 0.12,
    "Edema": 0.15,
    "Consolidation": 0.35,
    "Pneumonia": 0.4,
    "Atelectasis": 0.3,
    "Support Devices": 0.01,
}

#: Rows of CheXpert without any label; the real train.csv has 12.
BLANK_ROWS = 2


def write_release(source: str, demo: Demo, labels: Path, images: Path, places: Path) -> None:
    """Write the label files and the images of ``mimic``, ``nih`` or ``chexpert`` into folders, made anew.

    A folder is replaced as a whole: files in it may be links and are never written to, and the images are
    all there or none. Sources have no patient in common. The label files' paths are relative to ``images``;
    ``places`` is the table of :func:`cxrlt_core.demo.boxes.write_boxes`. StudyError for another source.
    """
    if source not in WRITERS:
        raise StudyError(f"demo.sources: no release {source!r}, expected {', '.join(WRITERS)}")
    rng = np.random.default_rng([demo.seed, list(WRITERS).index(source)])
    population = draw_population(_set_sizes(source, demo.images), rng, laterals=source != "nih")
    with atomic_folder(labels) as folder:
        paths = WRITERS[source](population, folder, rng)
    rgba, count = set(), len(paths)
    if source == "nih":  # which stored a few PNGs as RGBA
        rgba |= set(rng.choice(count, min(count, max(2, count // 200)), replace=False).tolist())
    pictures = render_images(population, demo.size, STYLES[source], rng)
    with atomic_folder(images) as folder:
        boxes = _write_images(folder, paths, pictures, rgba)
    write_boxes(places, paths, boxes)


def _set_sizes(source: str, images: DemoImages) -> dict[str, int]:
    if source == "mimic":
        return {"train": images.train, "dev": images.dev, "test": images.test}
    if source == "nih":
        return {"train_val": images.extra, "test": max(1, images.extra // 10)}
    return {"train": images.extra, "valid": max(1, images.extra // 20)}


def _write_mimic(population: Population, labels: Path, rng: np.random.Generator) -> list[str]:
    """Write train.csv, development.csv and test.csv with CXR-LT 2023's columns."""
    images = population.images
    subject = _identifiers(10_000_000, 20_000_000, images["patient"], rng)
    study = _identifiers(50_000_000, 60_000_000, images["study"], rng)
    dicom = [rng.bytes(20).hex("-", 4) for _ in range(len(images))]
    view, code = _mimic_views(images["view"], rng)
    paths = [
        f"files/p{p // 1_000_000}/p{p}/s{s}/{d}.jpg" for p, s, d in zip(subject, study, dicom, strict=True)
    ]
    table = pd.DataFrame({"dicom_id": dicom, "subject_id": subject, "study_id": study})
    table = table.assign(ViewPosition=view, ViewCodeSequence_CodeMeaning=code, fpath=paths)
    table[list(CLASSES)] = population.reported.astype(int)
    for name, file in {"train": "train", "dev": "development", "test": "test"}.items():
        rows = (images["set"] == name).to_numpy()
        table[rows].to_csv(labels / f"{file}.csv", index=False)
    return paths


def _mimic_views(view: pd.Series, rng: np.random.Generator) -> tuple[pd.Series, pd.Series]:
    """Return ViewPosition and ViewCodeSequence: some laterals are LL, some positions blank."""
    chance = rng.random(len(view))
    code = view.map({"PA": "postero-anterior", "AP": "antero-posterior", "LATERAL": "lateral"})
    position = view.mask((view == "LATERAL") & (chance < 0.3), "LL").mask(chance > 0.98, "")
    return position, code


def _write_nih(population: Population, labels: Path, rng: np.random.Generator) -> list[str]:
    """Write Data_Entry_2017_v2020.csv and the two official lists."""
    images = population.images
    patient = images["patient"] + 1
    number = images.groupby("patient").cumcount()
    # Follow-ups count visits elsewhere too, so they differ from the file's number.
    visits = rng.integers(1, 6, len(images))[images["patient"]]
    width, height = rng.integers(1800, 3100, (2, len(images)))
    spacing = rng.choice([0.139, 0.143, 0.168, 0.171], len(images))
    files = pd.Series([f"{p:08d}_{n:03d}.png" for p, n in zip(patient, number, strict=True)])
    findings = _nih_labels(population.reported, rng)
    columns = [files, findings, number + visits, patient, *(images[name] for name in ("age", "sex", "view"))]
    table = pd.DataFrame(dict(enumerate([*columns, width, height, spacing, spacing])))
    rows = table.to_csv(index=False, header=False)
    (labels / "Data_Entry_2017_v2020.csv").write_text(f"{NIH_HEADER}\n{rows}")
    for name in ("train_val", "test"):
        listed = files[images["set"] == name]
        (labels / f"{name}_list.txt").write_text("".join(f"{file}\n" for file in listed))
    folder = np.where(np.arange(len(images)) < (len(images) + 1) // 2, 1, 2)
    return [f"images_{f:03d}/images/{file}" for f, file in zip(folder, files, strict=True)]


def _nih_labels(reported: np.ndarray, rng: np.random.Generator) -> list[str]:
    """Join each row's findings by ``|`` in any order; none of NIH's 14 is No Finding."""
    names = np.array(NIH_FINDINGS)
    known = reported[:, [CLASSES.index(NIH_RENAMED.get(name, name)) for name in NIH_FINDINGS]]
    return ["|".join(rng.permutation(names[row])) or "No Finding" for row in known]


def _write_chexpert(population: Population, labels: Path, rng: np.random.Generator) -> list[str]:
    """Write train.csv with blank, 0, 1 and -1 labels, and valid.csv, which experts read: 0 and 1."""
    images = population.images
    lateral = images["view"] == "LATERAL"
    study = images.groupby("patient")["study"].transform(lambda s: s - s.iloc[0] + 1)
    patient = (images["patient"] + 1).astype(str).str.zfill(5)
    folder = "CheXpert-v1.0-small/" + images["set"] + "/patient" + patient + "/study" + study.astype(str)
    view = (images["position"] + 1).astype(str) + np.where(lateral, "_lateral.jpg", "_frontal.jpg")
    table = pd.DataFrame(
        {
            "Path": folder + "/view" + view,
            "Sex": images["sex"].map({"F": "Female", "M": "Male"}),
            "Age": images["age"],
            "Frontal/Lateral": np.where(lateral, "Lateral", "Frontal"),
            "AP/PA": images["view"].mask(lateral, ""),
        }
    )
    table.loc[rng.integers((images["set"] == "train").sum()), "Sex"] = "Unknown"
    reported = population.reported[:, [CLASSES.index(name) for name in CHEXPERT_CLASSES]]
    valid = (images["set"] == "valid").to_numpy()
    marks = _chexpert_labels(reported, images["study"].to_numpy(), rng)
    marks[valid] = reported[valid]
    table[list(CHEXPERT_CLASSES)] = marks
    for name, rows in {"train": ~valid, "valid": valid}.items():
        table[rows].to_csv(labels / f"{name}.csv", index=False)
    return list(table["Path"])


def _chexpert_labels(reported: np.ndarray, study: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (N, 14) float: 1, -1, 0 if a report denies the finding, NaN if it does not mention it."""
    rate = np.array([UNCERTAIN.get(name, 0.04) for name in CHEXPERT_CLASSES])
    denied = np.where(np.array(CHEXPERT_CLASSES) == "No Finding", 0, 0.15)
    doubt, denial = rng.random((2, study[-1] + 1, len(rate)))[:, study]
    # Half as many doubtful negatives as doubtful positives.
    odds = reported.sum(axis=0) / np.maximum((~reported).sum(axis=0), 1)
    labels = np.where(reported, 1.0, np.where(denial < denied, 0.0, np.nan))
    labels[doubt < np.where(reported, rate, 0.5 * rate * odds)] = -1
    labels[rng.choice(len(labels), min(BLANK_ROWS, len(labels) - 1), replace=False)] = np.nan
    return labels


def _identifiers(low: int, high: int, number: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """Map each number 0, 1, … to a random identifier in [low, high)."""
    count = number.max() + 1
    drawn = np.unique(rng.integers(low, high, 2 * count + 10))
    return rng.choice(drawn, count, replace=False)[number]


def _write_images(
    root: Path, paths: list[str], pictures: Iterable[tuple[np.ndarray, np.ndarray]], rgba: set[int]
) -> np.ndarray:
    """Write the images, and return the boxes of their findings, (N, 26, 4)."""
    boxes = []
    for folder in {(root / path).parent for path in paths}:
        folder.mkdir(parents=True, exist_ok=True)
    for row, (path, (picture, image_boxes)) in enumerate(zip(paths, pictures, strict=True)):
        image = Image.fromarray(picture).convert("RGBA" if row in rgba else "L")
        image.save(root / path, quality=JPEG_QUALITY, compress_level=1)
        boxes.append(image_boxes)
    return np.stack(boxes)


#: Source to the writer of its label files, which returns the images' paths.
WRITERS: Mapping[str, Callable[[Population, Path, np.random.Generator], list[str]]] = {
    "mimic": _write_mimic,
    "nih": _write_nih,
    "chexpert": _write_chexpert,
}
