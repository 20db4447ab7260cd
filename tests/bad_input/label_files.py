"""Label files, through :func:`cxrlt_core.sources.read_source`."""

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

from cxrlt_core.sources import Options, read_source, table
from tests.bad_input.case import Case
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

Attempt = Callable[[Path], object]
HEADERS = {
    "nih": NIH_HEADER,
    "chexpert": CHEXPERT_HEADER,
    "mimic": MIMIC_HEADER,
    "padchest": PADCHEST_HEADER,
}
TRAIN = f"{CHEXPERT_HEADER}\n{chexpert_row(Edema='1.0')}\n"


def file(source: str, content: bytes | str, name: str = "a.csv", **options: object) -> Attempt:
    """Read a file of some content as the labels of a source."""
    return folder(source, {name: content}, name, **options)


def rows(source: str, *lines: str, **options: object) -> Attempt:
    """Read a file of a source's header and some rows."""
    return file(source, "\n".join([HEADERS[source], *lines, ""]), **options)


def folder(source: str, files: dict[str, bytes | str], labels: str = ".", **options: object) -> Attempt:
    """Read a folder of files, or one of them, as the labels of a source."""

    def attempt(place: Path) -> None:
        for name, content in files.items():
            (place / name).write_bytes(content.encode() if isinstance(content, str) else content)
        listed = options.get("test_list")
        given = {**options, **({"test_list": place / str(listed)} if listed else {})}
        read_source(source, place / labels, Options(**given))

    return attempt


def larger_than_all(place: Path) -> None:
    """Read more text than the limit, which is lower here."""
    with patch.object(table, "SIZE", 1 << 20):
        file("nih", gzip.compress(b"0" * (2 << 20)), "a.csv.gz")(place)


GOOD = nih_row("good.png")
NIH = f"{NIH_HEADER}\n{GOOD}\n{nih_row('also.png')}\n"
PACKED = gzip.compress("".join([NIH_HEADER, *(f"\n{nih_row(f'{n}.png')}" for n in range(2000))]).encode())
LISTS = f"{PADCHEST_HEADER}\n{padchest_row()}\n"
MIMIC = f"{MIMIC_HEADER}\n{mimic_row()}\n"
nih, chexpert, mimic, padchest = (partial(rows, source) for source in HEADERS)

CASES = [
    Case(
        "no such file",
        lambda place: read_source("nih", place / "a.csv", Options()),
        "data.sources.nih.labels: a.csv: no such file or folder",
    ),
    Case(
        "a source without a reader",
        lambda place: read_source("vindr", place, Options()),
        "data.sources.vindr: unknown source, expected chexpert, mimic, nih, padchest",
    ),
    Case("an empty file", file("nih", b""), "a.csv: empty, expected a header and at least one row"),
    Case(
        "a header without a row",
        file("nih", NIH_HEADER),
        "a.csv: empty, expected a header and at least one row",
    ),
    Case("blank lines alone", file("nih", "\n\n\n"), "a.csv: empty, expected a header and at least one row"),
    Case(
        "the page of a login",
        file("nih", "<!DOCTYPE html>\n<html>\n</html>\n"),
        "a.csv: missing column 'Image Index'",
    ),
    Case("semicolons for commas", file("nih", NIH.replace(",", ";")), "a.csv: missing column 'Image Index'"),
    Case("tabs for commas", file("nih", NIH.replace(",", "\t")), "a.csv: missing column 'Image Index'"),
    Case("no header", file("nih", f"{GOOD}\n{GOOD}\n"), "a.csv: column '0.143' appears twice"),
    Case(
        "a column that is missing",
        file("nih", NIH.replace("View Position", "View")),
        "a.csv: missing column 'View Position'",
    ),
    Case(
        "a column that is there twice",
        file("nih", NIH.replace("Patient Age", "Patient ID")),
        "a.csv: column 'Patient ID' appears twice",
    ),
    Case(
        "a value too many",
        nih(GOOD, f"{GOOD},1"),
        "a.csv: row 3: expected 11 values, one per column, found 12",
    ),
    Case(
        "a value too few",
        nih(GOOD, "a.png,Mass,0"),
        "a.csv: row 3: expected 11 values, one per column, found 3",
    ),
    Case(
        "a row cut off at the end of the file",
        file("nih", NIH[:-20]),
        "a.csv: row 3: expected 11 values, one per column, found 8",
    ),
    Case(
        "a quote that does not end",
        nih('"a.png,Mass,0', GOOD),
        "a.csv: row 2: expected 11 values, one per column, found 1",
    ),
    Case(
        "a value too few behind a header of two lines",
        file("nih", NIH.replace("Patient Age", '"Patient\nAge"').replace("also.png,", "also.png")),
        "a.csv: row 4: expected 11 values, one per column, found 10",
    ),
    Case(
        "latin-1 in a row with values too few",
        file("nih", NIH.encode() + "a.png,né\n".encode("latin-1")),
        "a.csv: not readable as UTF-8 text or CSV: 'utf-8' codec can't decode byte 0xe9 in position 265: …",
    ),
    Case(
        "a long cell",
        nih(GOOD, nih_row("a.png", patient="p" * 5000)),
        "a.csv: row 3: Patient ID: expected a number, found 'pppp…",
    ),
    Case(
        "latin-1",
        file("nih", NIH.replace("57", "né").encode("latin-1")),
        "a.csv: not readable as UTF-8 text or CSV: 'utf-8' codec can't decode byte 0xe9 in position 175: …",
    ),
    Case(
        "UTF-16",
        file("nih", NIH.encode("utf-16")),
        "a.csv: not readable as UTF-8 text or CSV: 'utf-8' codec can't decode byte 0xff in position 0: …",
    ),
    Case(
        "a NUL among the text",
        nih(GOOD, nih_row("a.png", "Ma\0ss")),
        "a.csv: row 3: Finding Labels: unknown finding 'Ma\\x00ss', expected some of Atelectasis, …",
    ),
    Case(
        "gzip under the name of a text",
        file("nih", PACKED),
        "a.csv: not readable as UTF-8 text or CSV: 'utf-8' codec can't decode byte 0x8b in position 1: …",
    ),
    Case(
        "text under the name of gzip",
        file("nih", NIH, "a.csv.gz"),
        "a.csv.gz: not readable as UTF-8 text or CSV: Not a gzipped file (b'Im')",
    ),
    Case(
        "gzip that is cut",
        file("nih", PACKED[: len(PACKED) // 2], "a.csv.gz"),
        "a.csv.gz: not readable as UTF-8 text or CSV: Compressed file ended before the end-of-stream …",
    ),
    Case(
        "gzip with garbage in it",
        file("nih", PACKED[:500] + b"x" * 50 + PACKED[550:], "a.csv.gz"),
        "a.csv.gz: not readable as UTF-8 text or CSV: Error -3 while decompressing data: invalid …",
    ),
    Case(
        "gzip that unpacks to more than any label file",
        larger_than_all,
        "a.csv.gz: more than 1 MiB of text, expected a label file",
    ),
    Case(
        "a cell of 2 MiB",
        nih(nih_row("a.png").replace("57", "5" * (2 << 20))),
        "a.csv: not readable as UTF-8 text or CSV: field larger than field limit (1048576)",
    ),
    Case(
        "an absolute path",
        nih(GOOD, nih_row("/etc/a.png")),
        "a.csv: row 3: Image Index: expected a relative path without '..', found '/etc/a.png'",
    ),
    Case(
        "a path that leaves the folder",
        nih(GOOD, nih_row("../a.png")),
        "a.csv: row 3: Image Index: expected a relative path without '..', found '../a.png'",
    ),
    Case(
        "a path that leaves it on the way",
        nih(GOOD, nih_row("a/../../b.png")),
        "a.csv: row 3: Image Index: expected a relative path without '..', found 'a/../../b.png'",
    ),
    Case(
        "a drive",
        nih(GOOD, nih_row("C:/a.png")),
        "a.csv: row 3: Image Index: expected a relative path without '..', found 'C:/a.png'",
    ),
    Case(
        "a path with backslashes that leaves",
        nih(GOOD, nih_row(r"..\a.png")),
        "a.csv: row 3: Image Index: expected a relative path without '..', found '..\\\\a.png'",
    ),
    Case(
        "no path",
        nih(GOOD, nih_row("")),
        "a.csv: row 3: Image Index: expected a relative path without '..', found ''",
    ),
    Case(
        "an image that is there twice",
        nih(GOOD, nih_row("a.png"), GOOD),
        "a.csv: row 4: image 'good.png' is there twice, expected it once",
    ),
    Case(
        "NIH: a finding that is none",
        nih(GOOD, nih_row("a.png", "Mass|Covid")),
        "a.csv: row 3: Finding Labels: unknown finding 'Covid', expected some of Atelectasis, …",
    ),
    Case(
        "NIH: no finding, not even No Finding",
        nih(GOOD, nih_row("a.png", "")),
        "a.csv: row 3: Finding Labels: unknown finding '', expected some of Atelectasis, Cardiomegaly, …",
    ),
    Case(
        "NIH: a finding in small letters",
        nih(GOOD, nih_row("a.png", "mass")),
        "a.csv: row 3: Finding Labels: unknown finding 'mass', expected some of Atelectasis, …",
    ),
    Case(
        "NIH: no patient",
        nih(GOOD, nih_row("a.png", patient="")),
        "a.csv: row 3: Patient ID: expected a number, found ''",
    ),
    Case(
        "NIH: a patient that is no number",
        nih(GOOD, nih_row("a.png", patient="p1")),
        "a.csv: row 3: Patient ID: expected a number, found 'p1'",
    ),
    Case(
        "NIH: a patient with a point",
        nih(GOOD, nih_row("a.png", patient="1.0")),
        "a.csv: row 3: Patient ID: expected a number, found '1.0'",
    ),
    Case(
        "NIH: a folder without a label file",
        folder("nih", {"notes.txt": ""}),
        "folder: expected one file Data_Entry_2017*.csv in this folder, found none",
    ),
    Case(
        "NIH: two label files",
        folder("nih", {"Data_Entry_2017.csv": NIH, "Data_Entry_2017_v2020.csv": NIH}),
        "folder: expected one file Data_Entry_2017*.csv, found Data_Entry_2017.csv, …",
    ),
    Case(
        "NIH: two test lists",
        folder(
            "nih", {"Data_Entry_2017.csv": NIH, "test_list.txt": "good.png", "test_list_NIH.txt": "good.png"}
        ),
        "folder: expected one file test_list*.txt, found test_list.txt, test_list_NIH.txt",
    ),
    Case(
        "NIH: a test list that is not there",
        nih(GOOD, test_list="list.txt"),
        "data.sources.nih.test_list: list.txt: no such file or folder",
    ),
    Case(
        "NIH: a test list of other images",
        folder("nih", {"a.csv": NIH, "list.txt": "x.png\ny.png\n"}, "a.csv", test_list="list.txt"),
        "list.txt: none of its 2 images is in a.csv, expected at least half; list the images of this …",
    ),
    Case(
        "NIH: a test list of mostly other images",
        folder(
            "nih",
            {"a.csv": NIH, "list.txt": "good.png\n" + "".join(f"x{n}.png\n" for n in range(9))},
            "a.csv",
            test_list="list.txt",
        ),
        "list.txt: only 1 of its 10 images is in a.csv, expected at least half; list the images of this …",
    ),
    Case(
        "NIH: an empty test list",
        folder("nih", {"a.csv": NIH, "list.txt": ""}, "a.csv", test_list="list.txt"),
        "list.txt: none of its 0 images is in a.csv, expected at least half; list the images of this …",
    ),
    Case(
        "NIH: a test list that is a picture",
        folder("nih", {"a.csv": NIH, "list.txt": b"\xff\xd8\xff\xe0"}, "a.csv", test_list="list.txt"),
        "list.txt: not readable as UTF-8 text or CSV: 'utf-8' codec can't decode byte 0xff in position …",
    ),
    *(
        Case(
            f"CheXpert: the label {mark}",
            chexpert(chexpert_row(Edema="1.0"), chexpert_row(Edema=mark)),
            f"a.csv: row 3: Edema: expected 0, 1, -1 or blank, found '{mark}'",
        )
        for mark in ("2", "0.5", "nan", "yes", "-2.0")
    ),
    Case(
        "CheXpert: a path without a patient",
        chexpert(chexpert_row("train/a/b.jpg", Edema="1.0")),
        "a.csv: row 2: Path: expected a path with patient<number>/study<number>/, found 'train/a/b.jpg'",
    ),
    Case(
        "CheXpert: an image of two releases",
        chexpert(
            *(
                chexpert_row(f"CheXpert-v1.0{kind}/train/patient00001/study1/a.jpg", Edema="1.0")
                for kind in ("", "-small")
            )
        ),
        "a.csv: row 3: image 'patient00001/study1/a.jpg' is there twice, expected it once",
    ),
    Case(
        "CheXpert: no row with a label",
        chexpert(chexpert_row()),
        "a.csv: no row is left, dropped: 1 × a.csv: no label",
    ),
    Case(
        "CheXpert: views: frontal, and no frontal view",
        chexpert(chexpert_row(side="Lateral", projection="", Edema="1.0"), views="frontal"),
        "a.csv: no row is left, dropped: 1 × a.csv: view LATERAL",
    ),
    Case(
        "CheXpert: a test list",
        folder("chexpert", {"a.csv": TRAIN, "list.txt": ""}, "a.csv", test_list="list.txt"),
        "data.sources.chexpert.test_list: only nih has one, found list.txt",
    ),
    Case(
        "CheXpert: a folder without train.csv",
        folder("chexpert", {"valid.csv": TRAIN}),
        "folder: expected train.csv or train.csv.gz in this folder",
    ),
    Case(
        "CheXpert: train.csv twice",
        folder("chexpert", {"train.csv": TRAIN, "train.csv.gz": b""}),
        "folder: expected one file, found train.csv and train.csv.gz",
    ),
    Case(
        "CheXpert: the validation set under another name",
        folder("chexpert", {"train.csv": TRAIN, "val.csv": TRAIN}),
        "folder: no valid.csv, yet val.csv: rename or remove it, or let labels name train.csv itself for …",
    ),
    Case(
        "MIMIC: the label 5",
        mimic(mimic_row("a"), mimic_row("b", Edema="5")),
        "a.csv: row 3: Edema: expected 0, 1, -1 or blank, found '5'",
    ),
    Case(
        "MIMIC: a patient that is no number",
        mimic(mimic_row("a"), mimic_row("b", subject="x")),
        "a.csv: row 3: subject_id: expected a number, found 'x'",
    ),
    Case(
        "MIMIC: a study that is no number",
        mimic(mimic_row("a"), mimic_row("b", study="5-1")),
        "a.csv: row 3: study_id: expected a number, found '5-1'",
    ),
    Case(
        "MIMIC: a class that is missing",
        file("mimic", MIMIC.replace("Hernia", "Hernias")),
        "a.csv: missing column 'Hernia'",
    ),
    Case(
        "MIMIC: no patients",
        file("mimic", MIMIC.replace("subject_id", "subject")),
        "a.csv: missing column 'subject_id'",
    ),
    Case(
        "MIMIC: no row with a label",
        mimic(mimic_row(label="")),
        "a.csv: no labelled row, expected some 0 or 1",
    ),
    Case(
        "MIMIC: a folder without train.csv",
        folder("mimic", {"test.csv": MIMIC}),
        "folder: expected train.csv or train.csv.gz in this folder",
    ),
    Case(
        "MIMIC: two files for one set",
        folder("mimic", {"train.csv": MIMIC, "development.csv": MIMIC, "dev.csv": MIMIC}),
        "folder: expected one file, found development.csv and dev.csv",
    ),
    Case(
        "MIMIC: the development set under another name",
        folder("mimic", {"train.csv": MIMIC, "dev_labels.csv": MIMIC, "test.csv": MIMIC}),
        "folder: no development.csv, yet dev_labels.csv: rename or remove it, or let labels name …",
    ),
    Case(
        "MIMIC: an image in two sets",
        folder("mimic", dict.fromkeys(("train.csv", "development.csv", "test.csv"), MIMIC)),
        "development.csv: row 2: image 'files/p10/p10000032/s50414267/a.jpg' is there twice, expected it …",
    ),
    Case(
        "MIMIC: a test list",
        folder("mimic", {"a.csv": MIMIC, "list.txt": ""}, "a.csv", test_list="list.txt"),
        "data.sources.mimic.test_list: only nih has one, found list.txt",
    ),
    Case(
        "PadChest: labels that are no list",
        padchest(padchest_row("normal")),
        "a.csv: row 2: Labels: expected a list such as ['pneumonia', 'cardiomegaly'], found 'normal'",
    ),
    Case(
        "PadChest: a list that does not end",
        padchest(padchest_row("['normal'")),
        "a.csv: row 2: Labels: expected a list such as ['pneumonia', 'cardiomegaly'], found \"['normal'\"",
    ),
    Case(
        "PadChest: findings of another data set",
        padchest(padchest_row("['Lungenödem']")),
        "a.csv: Labels: no finding of PadChest, expected some such as 'normal'",
    ),
    Case(
        "PadChest: lists that say nothing",
        padchest(padchest_row("['unchanged', 'normal']"), padchest_row("[]", "b.png")),
        "a.csv: no row is left, dropped: 2 × a.csv: no label",
    ),
    Case(
        "PadChest: a patient that is no number",
        padchest(padchest_row(patient="p1")),
        "a.csv: row 2: PatientID: expected a number, found 'p1'",
    ),
    Case(
        "PadChest: no study",
        padchest(padchest_row(study="")),
        "a.csv: row 2: StudyID: expected a number, perhaps with - or _, found ''",
    ),
    Case(
        "PadChest: a folder without its file",
        folder("padchest", {"labels.csv": ""}),
        "folder: expected PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv or …",
    ),
    Case(
        "PadChest: a test list",
        folder("padchest", {"a.csv": LISTS, "list.txt": ""}, "a.csv", test_list="list.txt"),
        "data.sources.padchest.test_list: only nih has one, found list.txt",
    ),
]
