"""Label files, through :func:`cxrlt_core.sources.read_source`."""

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

from cxrlt_core.boxes.files import read_boxes
from cxrlt_core.label_space import read_label_space
from cxrlt_core.sources import label_file, label_table, read_source
from tests.cxrlt_core.sources.label_files import (
    CHEXPERT_KNOWN,
    HEADERS,
    MIMIC_META,
    chexpert_row,
    mimic_row,
    nih_row,
    padchest_row,
)
from tests.cxrlt_core.sources.label_files import options as how

Attempt = Callable[[], object]


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
        read_source(source, Path.cwd() / labels, how(**options))

    return attempt


def listed(source: str, images: bytes | str) -> Attempt:
    """Read labels of two images with a test list of some content."""
    labels = {"nih": NIH, "chexpert": TRAIN, "mimic": MIMIC, "padchest": LISTS}
    return folder(source, {"a.csv": labels[source], "list.txt": images}, "a.csv", test_list=Path("list.txt"))


def larger_than_all() -> None:
    """Read more text than the limit, which is lower here."""
    with patch.object(label_file, "SIZE", 1 << 20):
        text(gzip.compress(b"0" * (2 << 20)), "a.csv.gz")()


GOOD = nih_row("good.png")
NIH = f"{HEADERS['nih']}\n{GOOD}\n{nih_row('also.png')}\n"
PACKED = gzip.compress("".join([HEADERS["nih"], *(f"\n{nih_row(f'{n}.png')}" for n in range(2000))]).encode())
TRAIN = f"{HEADERS['chexpert']}\n{chexpert_row(Edema='1.0')}\n"
LISTS = f"{HEADERS['padchest']}\n{padchest_row()}\n"
MIMIC = f"{HEADERS['mimic']}\n{mimic_row()}\n"
CHEXPERT_OWN = "mimic-cxr-2.0.0-chexpert.csv"
OWN = {
    CHEXPERT_OWN: f"subject_id,study_id,{','.join(CHEXPERT_KNOWN)}\n1,7{',1' * 14}\n",
    "mimic-cxr-2.0.0-metadata.csv": "dicom_id,subject_id,study_id,ViewPosition,ViewCodeSequence_CodeMeaning\n"
    "a,1,7,PA,\n",
}
SECOND = ",".join([MIMIC_META, "split", *read_label_space("cxrlt2024").classes])
SECOND += f"\na,1,7,PA,,files/p10/a.jpg,train{',1' * 40}\n"
VINDR = ",".join(["image_id", "rad_id", *read_label_space("vindr").classes])
nih, chexpert, mimic, padchest = (partial(rows, source) for source in HEADERS)
text = partial(file, "nih")
NUMBERS = ("", "nan", "x1", "1.0", "-1")
PATHS = ("/etc/a.png", "../a.png", "a/../../b.png", "a/..", "./a.png", "a//b.png", "", "..", "C:/a.png")
PATHS += (r"..\a.png",)


def mine(header: str, row: str, reader: str = "table", **options: object) -> Attempt:
    """Read a file of a row as the labels of a source of one's own, into classes of one's own."""

    def attempt() -> None:
        Path("mine.yaml").write_text("classes: [Big heart, Wet lung]", encoding="utf-8")
        Path("a.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
        Path("list.txt").touch()
        read_source("mine", Path("a.csv"), how("mine.yaml", **options), reader)

    return attempt


def boxes(header: str, row: str) -> Attempt:
    """Read a file of a box, and hold it against an image of 400 × 300 pixels."""

    def attempt() -> None:
        Path("a.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
        found = read_boxes(Path("a.csv"), read_label_space("cxrlt2023"))
        found.check_inside(found.table.assign(width=400.0, height=300.0))

    return attempt


BOX, NIH_BOX = "image,class,x,y,w,h", "Image Index,Finding Label,Bbox [x,y,w,h],,,"
VINDR_BOX = "image_id,class_name,x_min,y_min,x_max,y_max"

ATTEMPTS: dict[str, Attempt] = {
    "boxes: other columns": boxes("image,class,x,y,width,height", "a.png,Mass,1,2,3,4"),
    "boxes: no number": boxes(BOX, "a.png,Mass,1,2,3,wide"),
    "boxes: a number that is not there": boxes(BOX, "a.png,Mass,1,2,3,"),
    "boxes: no area": boxes(BOX, "a.png,Mass,1,2,0,4"),
    "boxes: corners in another order": boxes(VINDR_BOX, "a,ILD,5,2,3,4"),
    "boxes: nearly a class": boxes(BOX, "a.png,Plural Effusion,1,2,3,4"),
    "boxes: a finding that NIH has not": boxes(NIH_BOX, "a.png,Effusoin,1,2,3,4,,,"),
    "boxes: a finding that VinDr-CXR has not": boxes(VINDR_BOX, "a,Scoliosis,1,2,3,4"),
    "boxes: a path that leaves the folder": boxes(BOX, "../a.png,Mass,1,2,3,4"),
    "boxes: outside of the image": boxes(BOX, "a.png,Mass,400,20,30,40"),
    **{
        f"a reader whose table has {name}": partial(
            label_table.check_classes, "hospital", [name], read_label_space("cxrlt2023")
        )
        for name in ("Effusion", "Scoliosis", "Edema")
    },
    "a source that knows none of the classes": mine(HEADERS["nih"], GOOD, "nih"),
    "a table: no column of a class": mine("image,patient,age", "a.png,1,50"),
    "a table: nearly the column of a class": mine("image,patient,Big heart,Wet lnug", "a.png,1,1,0"),
    "a table: no patient": mine("image,Big heart", "a.png,1"),
    "a table: nobody's image": mine("image,patient,Big heart", "a.png, ,1"),
    "a table: a label of its own": mine("image,patient,Big heart", "a.png,1,maybe"),
    "a table: a view of its own": mine("image,patient,view,Big heart", "a.png,1,f,1"),
    "a table: a set of its own": mine("image,patient,split,Big heart", "a.png,1,val,1"),
    "a table: a sex that is a number": mine("image,patient,sex,Big heart", "a.png,1,2,1"),
    "a table: an age that nobody has": mine("image,patient,age,Big heart", "a.png,1,121,1"),
    "a table: a test list": mine("image,patient,Big heart", "a.png,1,1", test_list=Path("list.txt")),
    **{f"{source}: no such file": partial(read_source, source, Path("a.csv"), how()) for source in HEADERS},
    **{
        f"the source {name}": partial(read_source, name, Path(), how())
        for name in ("candid", "label_table", "../nih")
    },
    "an empty file": text(b""),
    "a header without a row": text(HEADERS["nih"]),
    "blank lines alone": text("\n\n\n"),
    "the page of a login": text("<!DOCTYPE html>\n<html>\n</html>\n"),
    "semicolons for commas": text(NIH.replace(",", ";")),
    "tabs for commas": text(NIH.replace(",", "\t")),
    "no header": text(f"{GOOD}\n{GOOD}\n"),
    "a column that is missing": text(NIH.replace("View Position", "View")),
    "a column that is there twice": text(NIH.replace("Patient Age", "Patient ID")),
    "a value too many": nih(GOOD, f"{GOOD},1", "a.png,Mass,0"),
    "a value too many in the first row": nih(f"{GOOD},1", GOOD),
    "a value too few": nih(GOOD, "a.png,Mass,0"),
    "a finding that is none, after blank lines and a line break within quotes": text(
        f"\n{NIH}\n" + nih_row("a.png").replace(",57,", ',"5\n7",') + "\n" + nih_row("b.png", "Covid")
    ),
    "a finding that is none, after a long cell": nih(
        nih_row("a.png").replace("57", "5" * 200_000), nih_row("b.png", "Covid")
    ),
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
    **{f"the path {path!r}": nih(GOOD, nih_row(path)) for path in PATHS},
    "an image that is there twice": nih(GOOD, nih_row("a.png"), GOOD),
    **{
        f"NIH: the findings {findings!r}": nih(GOOD, nih_row("a.png", findings))
        for findings in ("Covid", "Mass|Covid", "Mass|", "mass", "", "Mass | No Finding")
    },
    **{f"NIH: the patient {number!r}": nih(GOOD, nih_row("a.png", patient=number)) for number in NUMBERS},
    "NIH: a folder without a label file": folder("nih", {"notes.txt": ""}),
    "NIH: two label files": folder("nih", {"Data_Entry_2017.csv": NIH, "Data_Entry_2017_v2020.csv.gz": NIH}),
    "NIH: two test lists": folder(
        "nih", {"Data_Entry_2017.csv": NIH, "test_list.txt.gz": "", "test_list_NIH.txt": "good.png"}
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
    "CheXpert: a class under another name": file("chexpert", TRAIN.replace("Pleural Effusion", "Effusion")),
    "CheXpert: a path without a patient": chexpert(chexpert_row("train/a/b.jpg", Edema="1.0")),
    "CheXpert: an image of two releases": chexpert(
        chexpert_row("CheXpert-v1.0/train/patient00001/study1/a.jpg", Edema="1.0"),
        chexpert_row("CheXpert-v1.0-small/train/patient00001/study1/a.jpg", Edema="1.0"),
    ),
    "CheXpert: no row with a label": chexpert(chexpert_row()),
    "CheXpert: views: frontal, and no frontal view": chexpert(
        chexpert_row(side="Lateral", projection="", Edema="1.0"), chexpert_row(), views="frontal"
    ),
    "CheXpert: an absolute path": chexpert(
        chexpert_row("CheXpert-v1.0//train/patient00001/study1/a.jpg", Edema="1.0")
    ),
    "CheXpert: neither images nor studies": file("chexpert", TRAIN.replace("Path", "File")),
    "CheXpert: a test list": listed("chexpert", ""),
    "CheXpert: a folder without train.csv": folder("chexpert", {"valid.csv": TRAIN}),
    "CheXpert: train.csv twice": folder("chexpert", {"train.csv": TRAIN, "train.csv.gz": b""}),
    "CheXpert: the validation set under another name": folder(
        "chexpert", {"train.csv": TRAIN, "val.csv": TRAIN}
    ),
    "CXR-LT 2026: a folder without its training file": folder("cxrlt2026", {"Removal.csv": ""}),
    "CXR-LT 2026: a patient that a spreadsheet has rounded": file(
        "cxrlt2026",
        ",".join(["ImageID", "StudyDate_DICOM", "PatientID", *read_label_space("cxrlt2026").classes])
        + f"\na.png,20140915,3.14E+37{',0' * 30}\n",
    ),
    "NIH by radiologists: a label that is neither YES nor NO": file(
        "nih_expert",
        f"{HEADERS['nih']},Fracture,Pneumothorax,Airspace opacity,Nodule or mass\n{GOOD},HEDGE,NO,NO,NO\n",
    ),
    "NIH by radiologists: a folder without the test set": folder("nih_expert", {"README.md": ""}),
    "VinDr: a reader who reads an image twice": file(
        "vindr", f"{VINDR}\n" + "".join(f"a,{r}{',0' * 28}\n" for r in ("R1", "R2", "R1"))
    ),
    "VinDr: a finding under another name": file(
        "vindr", VINDR.replace("Other disease", "Diseases") + f"\na,R1{',0' * 28}\n"
    ),
    "VinDr: the path of an image": file("vindr", f"{VINDR}\ntrain/a.dicom,R1{',0' * 28}\n"),
    "VinDr: a folder without a label file": folder("vindr", {"annotations_train.csv": ""}),
    "MIMIC: the label 5": mimic(mimic_row("a"), mimic_row("b", Edema="5")),
    **{
        f"MIMIC: the {name} {number!r}": mimic(mimic_row("a"), mimic_row(path="files/b.jpg", **{key: number}))
        for name, key in (("patient", "subject"), ("study", "study"))
        for number in NUMBERS
    },
    **{
        f"MIMIC: no column {column}": file("mimic", MIMIC.replace(column, "other"))
        for column in ("subject_id", "study_id", "ViewPosition", "ViewCodeSequence_CodeMeaning", "Hernia")
    },
    "MIMIC: no row with a label": mimic(mimic_row(label="")),
    "MIMIC: a folder without train.csv": folder("mimic", {"test.csv": MIMIC}),
    "MIMIC: train.csv twice": folder("mimic", {"train.csv": MIMIC, "train.csv.gz": ""}),
    "MIMIC: two files for one set": folder(
        "mimic", {"train.csv": MIMIC, "development.csv": MIMIC, "dev.csv": MIMIC}
    ),
    "MIMIC: the development set under another name": folder(
        "mimic", {"train.csv": MIMIC, "dev_labels.csv": MIMIC, "test.csv": MIMIC}
    ),
    "MIMIC's own labels: one of its files": folder("mimic_chexpert", OWN, "mimic-cxr-2.0.0-chexpert.csv"),
    "MIMIC's own labels: no list of images": folder(
        "mimic_chexpert", {name: text for name, text in OWN.items() if "metadata" not in name}
    ),
    "MIMIC's own labels: a study that is there twice": folder(
        "mimic_chexpert", {**OWN, CHEXPERT_OWN: OWN[CHEXPERT_OWN] + f"1,7{',' * 14}\n"}
    ),
    "MIMIC's own labels: a set of no name": folder(
        "mimic_chexpert", {**OWN, "mimic-cxr-2.0.0-split.csv": "dicom_id,split\na,val1\n"}
    ),
    "MIMIC's own labels: an image that is a path": folder(
        "mimic_chexpert", {name: text.replace("a,1,7", "../a,1,7") for name, text in OWN.items()}
    ),
    "MIMIC: a class of 2024 that is missing": file("mimic", SECOND.replace("Adenopathy", "other")),
    "MIMIC: a set of no name": file("mimic", SECOND.replace("train", "training"), "labels.csv"),
    "MIMIC: an image in two sets": folder(
        "mimic", dict.fromkeys(("train.csv", "development.csv", "test.csv"), MIMIC)
    ),
    "MIMIC: a test list": listed("mimic", ""),
    **{
        f"PadChest: the labels {labels}": padchest(padchest_row(cuis="\n"), padchest_row(labels, "b.png"))
        for labels in ("normal", "['normal'", "['normal' 'mass']", "['normal', nan]", "['a',]", "f(x)")
    },
    "PadChest: findings of another data set": padchest(
        padchest_row("['Lungenödem']"), padchest_row("nan", "b.png")
    ),
    "PadChest: lists that say nothing": padchest(
        padchest_row("['scoliosis', 'unchanged', 'volume loss']"), padchest_row("[]", "b.png")
    ),
    "PadChest: an image twice": padchest(padchest_row(), padchest_row()),
    **{
        f"PadChest: the {key} {number!r}": padchest(
            padchest_row(), padchest_row(image="b.png", **{key: number})
        )
        for key in ("patient", "study")
        for number in NUMBERS
    },
    **{
        f"PadChest: no column {column}": file("padchest", LISTS.replace(f",{column},", ",other,"))
        for column in ("ImageID", "StudyID", "PatientID", "Projection", "Labels")
    },
    "PadChest: a folder without its file": folder("padchest", {"labels.csv": ""}),
    "PadChest: a test list": listed("padchest", ""),
}
