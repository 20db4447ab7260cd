"""Edit a file at a random moment of a run; the next run ends with the tables of an undisturbed one."""

import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from tests.pipeline.faults.processes import Command
from tests.pipeline.faults.study import Fault, Study

#: What is compared: all that a reader sees but times.
TABLES = ("table1.csv", "table2.csv", "contrasts.csv", "classes.csv", "history.csv", "summary.json")
LOOK = 0.02  # seconds


class Edit(NamedTuple):
    """A change of a file: its content before to its content after. One of an output never stays."""

    file: str
    change: Callable[[bytes], bytes]
    stays: bool = True


def replaced(before: str, after: str) -> Callable[[bytes], bytes]:
    """Return what replaces a text, which is there."""

    def change(content: bytes) -> bytes:
        if before.encode() not in content:
            raise Fault(f"{before!r}: not there to be edited")
        return content.replace(before.encode(), after.encode(), 1)

    return change


def flipped(content: bytes) -> bytes:
    """Return another picture of the same format."""
    place = Path(f"/tmp/{os.getpid()}.jpg")
    place.write_bytes(content)
    with Image.open(place) as picture:
        picture.transpose(Image.Transpose.ROTATE_180).save(place)
    changed = place.read_bytes()
    place.unlink()
    return changed


def edits(study: Study) -> dict[str, Edit]:
    """Return an edit of every kind of file."""
    image = sorted((study.folder / "data/raw/mimic/images").rglob("*.jpg"))[0]
    labels = sorted((study.folder / "data/raw/nih/labels").glob("*.csv"))[0]
    return {
        "a rate": Edit("params.yaml", replaced("learning_rate: 0.002", "learning_rate: 0.004")),
        "a ratio": Edit("params.yaml", replaced(" ratio: 2", " ratio: 4")),
        "a rule": Edit("params.yaml", replaced("aggregate: none", "aggregate: mean")),
        "training": Edit("cxrlt_core/training/schedule.py", replaced("\n\n\n", "\n\nUNUSED = 1\n\n\n")),
        "a loss": Edit("cxrlt_core/losses/bce.py", replaced("\n\n\n", "\n\nUNUSED = 1\n\n\n")),
        "scoring": Edit("cxrlt_core/metrics/scores.py", replaced("\n\n\n", "\n\nUNUSED = 1\n\n\n")),
        "an image": Edit(image.relative_to(study.folder).as_posix(), flipped),
        "labels": Edit(labels.relative_to(study.folder).as_posix(), replaced("No Finding", "Hernia"), False),
        "a set": Edit("data/sets/dev.parquet", lambda content: content[:-9] + b"x" + content[-8:], False),
        "weights": Edit("weights/main.json", replaced("2.0", "3.0"), False),
        "scores": Edit("metrics/dev/resnet50_bert_separate.json", replaced("0.", "0.9"), False),
    }


class Edited:
    """A study in which files are edited, and the tables of undisturbed runs with each edit."""

    def __init__(self, study: Study, generator: random.Random) -> None:
        self.study, self.generator, self.edits = study, generator, edits(study)
        self.expected = {"": self.tables()}

    def tables(self) -> dict[str, bytes]:
        return {name: (self.study.folder / "reports" / name).read_bytes() for name in TABLES}

    def put(self, edit: Edit) -> bytes:
        """Make an edit as editors do, by a new file in the place of the old one; return what was there."""
        place = self.study.folder / edit.file
        before = place.read_bytes()
        self.restore(edit, edit.change(before))
        return before

    def restore(self, edit: Edit, content: bytes) -> None:
        place = self.study.folder / edit.file
        draft = place.with_name(f"{place.name}.draft")
        draft.write_bytes(content)
        draft.replace(place)

    def undisturbed(self, name: str) -> dict[str, bytes]:
        """Return the tables of a run with an edit that was made before it."""
        if name not in self.expected:
            self.put(self.edits[name])
            self.study.go_on()
            self.expected[name] = self.tables()
            self.study.go_back()
        return self.expected[name]

    def disturb(self, name: str, address: str, seconds: float) -> str:
        """Edit a file while a stage runs, and perhaps take it back meanwhile; go on, and compare.

        ``seconds`` is what the run takes undisturbed. Returns what the run said if it stopped.
        """
        edit, random_of = self.edits[name], self.generator
        stays = edit.stays and random_of.random() < 0.5
        expected = self.undisturbed(name if stays else "")
        self.study.forget(address)
        moments = sorted(seconds * random_of.random() for _ in range(2))
        command = Command(self.study.folder, ("dvc", "repro", address), self.study.workspace.environment)
        start = time.monotonic()

        def wait(moment: float) -> None:
            while command.running and time.monotonic() < start + moment:
                time.sleep(LOOK)

        wait(moments[0])
        if not (self.study.folder / edit.file).exists():  # an output that is being made
            command.wait()
        before = self.put(edit)  # there now, unless the stage failed by itself
        wait(moments[1])
        if not stays and (self.study.folder / edit.file).exists():
            self.restore(edit, before)
        failed = command.wait()
        said = command.said()
        if failed and "error: " not in said:
            raise Fault(f"no line: {said}")
        self.study.go_on()
        now = self.tables()
        if others := [file for file in TABLES if now[file] != expected[file]]:
            raise Fault(f"other tables than undisturbed: {', '.join(others)}")
        if stays:
            self.study.go_back()
        return next((line for line in said.splitlines() if line.startswith("error: ")), "")
