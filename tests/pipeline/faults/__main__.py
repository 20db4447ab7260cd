"""Try faults on a smoke study and count them.

Usage: python -m tests.pipeline.faults [options]   (--help lists them)

--write puts the table of what was tried into docs/interruptions.md. Exit code 1: something was not as it was.
"""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.architecture import pipeline
from tests.pipeline.faults import at_once, clocks, full_disk, kills, ranks
from tests.pipeline.faults.edits import Edited
from tests.pipeline.faults.processes import environment
from tests.pipeline.faults.study import Study
from tests.pipeline.faults.table import Counts, line, read_counts, table, write
from tests.pipeline.warm import warm
from tests.pipeline.workspace import Workspace, copy_repository

PARTS = ("kills", "lock", "disk", "twice", "rank", "clock", "edits")
#: Of a kind of stages, the item that faults are tried on; the base variant, on which others wait.
ITEMS = {
    "embed": "pubmedbert", "encoder": "resnet50", "synthesize_text": "pubmedbert",
    "synthesize": "mimic", "harmonize": "mimic", "pack": "mimic",
    "train": "resnet50_bert_separate", "evaluate": "resnet50_bert_separate", "tta": "resnet50_bert_separate",
}  # fmt: skip
#: Stages that the smoke study has none of.
ABSENT = {"external", "external_attention", "external_images", "reweight_more", "zero_shot"}


def addresses() -> dict[str, str]:
    """Return a stage of every kind, as DVC calls it."""
    kinds = [name for name in pipeline() if name not in ABSENT]
    return {kind: f"{kind}@{ITEMS[kind]}" if kind in ITEMS else kind for kind in kinds}


class Trial:
    """What was tried, and what was not as it was; a method a part."""

    def __init__(self, study: Study, folder: Path, asked: argparse.Namespace) -> None:
        """Try so many kills; copies of the study lie in a folder."""
        self.study, self.folder, self.generator = study, folder, random.Random(asked.seed)
        self.count, self.locks, self.moments = asked.kills, asked.locks, asked.edits
        self.counts: Counts = Counter()
        self.found: list[str] = []
        self.start = time.monotonic()

    def note(self, row: str, column: str) -> None:
        self.counts[row, column] += 1
        print(line(time.monotonic() - self.start, row, column), flush=True)

    def attempt(self, what: str, action: Callable[[], object], study: Study | None = None) -> None:
        """Do something to a study; if it ends in a Fault, say so and begin anew with what the study was."""
        try:
            action()
        except (AssertionError, TimeoutError) as error:
            self.found.append(f"{what}: {error}")
            print(f"NOT AS IT WAS: {self.found[-1]}", flush=True)
            (study or self.study).go_back()

    def kills(self) -> None:
        """Kill every kind of stage, and dvc meanwhile, in turns."""
        victims, stages = itertools.cycle(kills.VICTIMS), addresses()

        def several(kind: str, count: int) -> None:
            for kill in kills.kill_often(self.study, stages[kind], victims, count, self.generator):
                self.note(kind, f"{kill.victim}, {kill.moment}")

        for number, kind in enumerate(stages):
            share = (self.count * (number + 1)) // len(stages) - (self.count * number) // len(stages)
            self.attempt(kind, partial(several, kind, share))

    def lock(self) -> None:
        """Kill DVC while it writes dvc.lock; in each tenth case git has none."""
        for number in range(self.locks):
            tear = partial(kills.tear_lock, self.study, self.generator, in_git=number % 10 > 0)
            self.attempt("dvc.lock", tear)
            self.note("dvc.lock", "dvc, write")

    def disk(self) -> None:
        """Fill the disk while every kind of stage writes, and while dvc does."""
        with full_disk.small_disk(self.study, self.folder / "disk") as small:
            for kind, address in addresses().items():
                for share in (0.0, self.generator.random()):
                    self.attempt(f"disk, {kind}", partial(self.fill, small, kind, address, share), small)
            for share in (0.3, 0.6, 0.9) if small else ():
                self.attempt("disk, dvc", partial(self.fill, small, "dvc", "split", share), small)

    def fill(self, small: Study | None, row: str, address: str, share: float) -> None:
        if small is None:
            said = next(iter(full_disk.limit(self.study, {address: int(share * full_disk.PAGE)})), None)
        else:
            said = (full_disk.fill_dvc if row == "dvc" else full_disk.fill)(small, address, share)
        if said:
            self.note(row, "full disk")
            print(f"          {said}", flush=True)

    def twice(self, count: int = 4) -> None:
        """Run the study twice at once."""
        stages = [addresses()[kind] for kind in ("pack", "tta", "evaluate", "ensemble")]
        for _ in range(count):
            self.attempt("two runs", lambda: print(at_once.run_twice(self.study, stages, self.generator)))
            self.note("two runs in a clone", "at once")
        self.attempt("two clones", lambda: at_once.share_store(self.study, self.folder / "clones"))
        self.note("two clones on a store", "at once")

    def edits(self) -> None:
        """Edit a file of every kind in turn while a stage runs."""
        with warm(self.folder, environment(self.study.folder)) as quick:
            small = smaller(self.study.workspace, self.folder / "small", quick)
            self.edits_of(Edited(small, self.generator))

    def edits_of(self, edited: Edited) -> None:
        study, seconds = edited.study, dict[str, float]()
        names, stages = itertools.cycle(edited.edits), list(addresses().values())[2:]
        for _ in range(self.moments):
            name, address = next(names), self.generator.choice(stages)
            if address not in seconds:
                study.forget(address)
                start = time.monotonic()
                study.workspace.repro("repro", address)
                seconds[address] = time.monotonic() - start
            self.attempt(
                f"{name} edited while {address} ran",
                lambda name=name, address=address: print(edited.disturb(name, address, seconds[address])),
                study,
            )
            self.note("edit during a run", name)

    def rank(self, count: int = 4) -> None:
        """Kill one of two processes that train together."""
        pair = ranks.Pair(copied(self.study, self.folder / "pair"))
        for number in range(count):
            self.attempt("rank", lambda rank=number % 2: print(pair.kill(rank, self.generator)))
            self.note("train, two processes", "a rank")

    def clock(self) -> None:
        """Shift the times of files, and the clock."""
        for name, years in (("in the future", 1), ("in the past", -12)):
            self.attempt(f"files {name}", partial(self.shift, years))
            self.note("clock", f"files {name}")
        self.attempt("old time", partial(clocks.old_time_hides_nothing, self.study))
        self.note("clock", "a change with the time of before")
        stages = addresses()
        for kind in ("pack", "train", "tta"):
            self.attempt(f"earlier, {kind}", partial(clocks.earlier, self.study, stages[kind]))
            self.note("clock", "runs a year earlier")

    def shift(self, years: int) -> None:
        clocks.shift_files(self.study, years * clocks.YEAR)
        self.study.check(self.study.go_on())


def smaller(workspace: Workspace, folder: Path, environment: Mapping[str, str]) -> Study:
    """Return a copy of a study with a base variant, one with weights of it, and their ensemble."""
    shutil.copytree(workspace.folder, folder / "study", symlinks=True)
    small = Workspace(folder / "study", environment)
    small.keep("resnet50_bert_separate", "densenet121_bert_reweighted")
    small.repro()
    small.git("add", "--all")
    small.git("commit", "--quiet", "--message", "smaller")
    return Study(small, folder / "copy")


def copied(study: Study, folder: Path) -> Study:
    shutil.copytree(study.folder, folder, symlinks=True)
    return Study(Workspace(folder))


def finished(folder: Path, known: Path | None) -> Study:
    """Copy a finished, committed smoke study, or run one; keep a copy."""
    if known:
        return Study(copied(Study(Workspace(known)), folder / "study").workspace, folder / "copy")
    workspace = copy_repository(folder / "study", "smoke.yaml")
    workspace.repro()
    workspace.git("add", "--all")
    workspace.git("commit", "--quiet", "--message", "study")
    return Study(workspace, folder / "copy")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=114)
    parser.add_argument("--locks", type=int, default=10, help="kills while dvc.lock is written")
    parser.add_argument("--edits", type=int, default=33, help="edits while a stage runs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--study", type=Path, help="a finished, committed smoke study; one is run if absent")
    parser.add_argument("--add", type=Path, nargs="+", default=[], help="outputs of other runs, to count")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = finished(folder, asked.study)
        trial = Trial(study, folder, asked)
        for part in asked.only:
            getattr(trial, part)()
    text = table(sum(map(read_counts, map(Path.read_text, asked.add)), trial.counts), addresses())
    print(text)
    if asked.write and not trial.found:
        write(text)
    return 1 if trial.found else 0


if __name__ == "__main__":
    sys.exit(main())
