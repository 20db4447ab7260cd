"""Label files, through :func:`cxrlt_core.sources.read_source`."""

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

from cxrlt_core.sources import Options, read_source, table
from tests.cxrlt_core.sources.label_files import (
    CHEXPERT_HEADER,
    MIMIC_HEADER,
    NIH_HEADER,
    PADCHEST_HEADER,
    chexpert_row,
    mimic_row,
    nih_row,
    padchest_row,
)

Attempt = Callable[[], object]
SOURCES = ("nih", "chexpert", "mimic", "padchest")
HEADERS = dict(zip(SOURCES, (NIH_HEADER, CHEXPERT_HEADER, MIMIC_HEADER, PADCHEST_HEADER), strict=True))


def file(source: str, content: bytes | str, name: str = "a.csv", **options: object) -> Attempt:
    """Read a file of some content as the labels of a source."""
    return folder(source, {name: content}, name, **options)


def rows(source: str, *lines: str, **options: object) -> Attempt:
    """Read a file of a source's header and some rows."""
    return file(source, "\n".join([HEADERS[source], *lines, ""]), **options)


def folder(source: str, files: dict[str, bytes | str], labels: str = ".", **options: object) -> Attempt:
    """Read a folder of files, or one of them, as the labels of a source."""

    def attempt() -> None:
        for name, content in files.items():
            Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
        read_source(source, Path.cwd() / labels, Options(**options))

    return attempt


def listed(source: str, images: bytes | str) -> Attempt:
    """Read labels of two images with a test list of some content."""
    labels = {"nih": NIH, "chexpert": TRAIN, "mimic": MIMIC, "padchest": LISTS}
    return folder(source, {"a.csv": labels[source], "list.txt": images}, "a.csv", test_list=Path("list.txt"))


def larger_than_all() -> None:
    """Read more text than the limit, which is lower here."""
    with patch.object(table, "SIZE", 1 << 20):
        text(gzip.compress(b"0" * (2 << 20)), "a.csv.gz")()


GOOD = nih_row("good.png")
NIH = f"{NIH_HEADER}\n{GOOD}\n{nih_row('also.png')}\n"
PACKED = gzip.compress("".join([NIH_HEADER, *(f"\n{nih_row(f'{n}.png')}" for n in range(2000))]).encode())
TRAIN = f"{CHEXPERT_HEADER}\n{chexpert_row(Edema='1.0')}\n"
LISTS = f"{PADCHEST_HEADER}\n{padchest_row()}\n"
MIMIC = f"{MIMIC_HEADER}\n{mimic_row()}\n"
nih, chexpert, mimic, padchest = (partial(rows, source) for source in SOURCES)
text = partial(file, "nih")

ATTEMPTS: dict[str, Attempt] = {
    "no such file": lambda: read_source("nih", Path("a.csv"), Options()),
    "a source without a reader": lambda: read_source("vindr", Path(), Options()),
    "an empty file": text(b""),
    "a header without a row": text(NIH_HEADER),
    "blank lines alone": text("\n\n\n"),
    "the page of a login": text("<!DOCTYPE html>\n<html>\n</html>\n"),
    "semicolons for commas": text(NIH.replace(",", ";")),
    "tabs for commas": text(NIH.replace(",", "\t")),
    "no header": text(f"{GOOD}\n{GOOD}\n"),
    "a column that is missing": text(NIH.replace("View Position", "View")),
    "a column that is there twice": text(NIH.replace("Patient Age", "Patient ID")),
    "a value too many": nih(GOOD, f"{GOOD},1"),
    "a value too few": nih(GOOD, "a.png,Mass,0"),
    "a row cut off at the end of the file": text(NIH[:-20]),
    "a quote that does not end": nih('"a.png,Mass,0', GOOD),
    "a value too few behind a header of two lines": file(
        "nih", NIH.replace("Patient Age", '"Patient\nAge"').replace("also.png,", "also.png")
    ),
    "latin-1 in a row with values too few": text(NIH.encode() + "a.png,né\n".encode("latin-1")),
    "a long cell": nih(GOOD, nih_row("a.png", patient="p" * 5000)),
    "latin-1": text(NIH.replace("57", "né").encode("latin-1")),
    "UTF-16": text(NIH.encode("utf-16")),
    "a NUL among the text": nih(GOOD, nih_row("a.png", "Ma\0ss")),
    "gzip under the name of a text": text(PACKED),
    "text under the name of gzip": text(NIH, "a.csv.gz"),
    "gzip that is cut": text(PACKED[: len(PACKED) // 2], "a.csv.gz"),
    "gzip with garbage in it": text(PACKED[:500] + b"x" * 50 + PACKED[550:], "a.csv.gz"),
    "gzip that unpacks to more than any label file": larger_than_all,
    "a cell of 2 MiB": nih(nih_row("a.png").replace("57", "5" * (2 << 20))),
    "an absolute path": nih(GOOD, nih_row("/etc/a.png")),
    "a path that leaves the folder": nih(GOOD, nih_row("../a.png")),
    "a path that leaves it on the way": nih(GOOD, nih_row("a/../../b.png")),
    "a drive": nih(GOOD, nih_row("C:/a.png")),
    "a path with backslashes that leaves": nih(GOOD, nih_row(r"..\a.png")),
    "no path": nih(GOOD, nih_row("")),
    "an image that is there twice": nih(GOOD, nih_row("a.png"), GOOD),
    "NIH: a finding that is none": nih(GOOD, nih_row("a.png", "Mass|Covid")),
    "NIH: no finding, not even No Finding": nih(GOOD, nih_row("a.png", "")),
    "NIH: a finding in small letters": nih(GOOD, nih_row("a.png", "mass")),
    "NIH: no patient": nih(GOOD, nih_row("a.png", patient="")),
    "NIH: a patient that is no number": nih(GOOD, nih_row("a.png", patient="p1")),
    "NIH: a patient with a point": nih(GOOD, nih_row("a.png", patient="1.0")),
    "NIH: a folder without a label file": folder("nih", {"notes.txt": ""}),
    "NIH: two label files": folder("nih", {"Data_Entry_2017.csv": NIH, "Data_Entry_2017_v2020.csv": NIH}),
    "NIH: two test lists": folder(
        "nih", {"Data_Entry_2017.csv": NIH, "test_list.txt": "good.png", "test_list_NIH.txt": "good.png"}
    ),
    "NIH: a test list that is not there": nih(GOOD, test_list=Path("list.txt")),
    "NIH: a test list of other images": listed("nih", "x.png\ny.png\n"),
    "NIH: a test list of mostly other images": listed(
        "nih", "good.png\n" + "".join(f"x{n}.png\n" for n in range(9))
    ),
    "NIH: an empty test list": listed("nih", ""),
    "NIH: a test list that is a picture": listed("nih", b"\xff\xd8\xff\xe0"),
    **{
        f"CheXpert: the label {mark}": chexpert(chexpert_row(Edema="1.0"), chexpert_row(Edema=mark))
        for mark in ("2", "0.5", "nan", "yes", "-2.0")
    },
    "CheXpert: a path without a patient": chexpert(chexpert_row("train/a/b.jpg", Edema="1.0")),
    "CheXpert: an image of two releases": chexpert(
        chexpert_row("CheXpert-v1.0/train/patient00001/study1/a.jpg", Edema="1.0"),
        chexpert_row("CheXpert-v1.0-small/train/patient00001/study1/a.jpg", Edema="1.0"),
    ),
    "CheXpert: no row with a label": chexpert(chexpert_row()),
    "CheXpert: views: frontal, and no frontal view": chexpert(
        chexpert_row(side="Lateral", projection="", Edema="1.0"), views="frontal"
    ),
    "CheXpert: a test list": listed("chexpert", ""),
    "CheXpert: a folder without train.csv": folder("chexpert", {"valid.csv": TRAIN}),
    "CheXpert: train.csv twice": folder("chexpert", {"train.csv": TRAIN, "train.csv.gz": b""}),
    "CheXpert: the validation set under another name": folder(
        "chexpert", {"train.csv": TRAIN, "val.csv": TRAIN}
    ),
    "MIMIC: the label 5": mimic(mimic_row("a"), mimic_row("b", Edema="5")),
    "MIMIC: a patient that is no number": mimic(mimic_row("a"), mimic_row("b", subject="x")),
    "MIMIC: a study that is no number": mimic(mimic_row("a"), mimic_row("b", study="5-1")),
    "MIMIC: a class that is missing": file("mimic", MIMIC.replace("Hernia", "Hernias")),
    "MIMIC: no patients": file("mimic", MIMIC.replace("subject_id", "subject")),
    "MIMIC: no row with a label": mimic(mimic_row(label="")),
    "MIMIC: a folder without train.csv": folder("mimic", {"test.csv": MIMIC}),
    "MIMIC: two files for one set": folder(
        "mimic", {"train.csv": MIMIC, "development.csv": MIMIC, "dev.csv": MIMIC}
    ),
    "MIMIC: the development set under another name": folder(
        "mimic", {"train.csv": MIMIC, "dev_labels.csv": MIMIC, "test.csv": MIMIC}
    ),
    "MIMIC: an image in two sets": folder(
        "mimic", dict.fromkeys(("train.csv", "development.csv", "test.csv"), MIMIC)
    ),
    "MIMIC: a test list": listed("mimic", ""),
    "PadChest: labels that are no list": padchest(padchest_row("normal")),
    "PadChest: a list that does not end": padchest(padchest_row("['normal'")),
    "PadChest: findings of another data set": padchest(padchest_row("['Lungenödem']")),
    "PadChest: lists that say nothing": padchest(
        padchest_row("['unchanged', 'normal']"), padchest_row("[]", "b.png")
    ),
    "PadChest: a patient that is no number": padchest(padchest_row(patient="p1")),
    "PadChest: no study": padchest(padchest_row(study="")),
    "PadChest: a folder without its file": folder("padchest", {"labels.csv": ""}),
    "PadChest: a test list": listed("padchest", ""),
}
