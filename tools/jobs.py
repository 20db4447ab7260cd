"""Run the stages that are due, several at once: each by DVC itself, as soon as what it needs is done.

DVC runs one stage at a time, and stays the engine and the record here: a job is ``dvc --wait-for-lock repro
--single-item <stage>``, and a ``dvc repro`` of everything has the last word. A job that fails lets the others
end; what needs it is not begun.

Usage: python -m tools.jobs <number, or auto>   (part of `make study`)
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from statistics import mean

from dvc.repo import Repo
from networkx import descendants

from cxrlt_core.params.schema import Params
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.processes import Request, end_with_parent, termination
from cxrlt_core.system.progress import format_interval
from stages.artifacts.border import run_stage
from tools.due import changed_images, due_stages, other_label_space

POLL = 0.1  # seconds
PLAIN = "python"  # launch: one process, on one device
#: Of lines that DVC prints after every stage: what to do with dvc.lock, and with a remote storage.
HINTS = (
    "dvc push",
    " lock file 'dvc.lock'",
    "To track the changes",
    "git add dvc.lock",
    "To enable auto staging",
)
HINTS += ("core.autostage", "didn't change, skipping", "Data and pipelines are up to date")
EARLY = ("pretrained", "embed", "encoder")  # an encoder that does not load ends a study here
Needs = Mapping[str, Collection[str]]  # a stage to those that have to be done before it


@dataclass
class Job:
    """A stage that runs."""

    name: str
    slot: int  # of those that run at once, from 0
    process: subprocess.Popen
    reader: threading.Thread
    start: float

    def ended(self) -> bool:
        """Whether it has ended, and all that it said is printed."""
        return self.process.poll() is not None and not self.reader.is_alive()


class Jobs:
    """Stages in the order of what they need, at most so many at once.

    ``command`` runs the stage whose name follows it; of ``devices`` each job sees one, if there are any.
    """

    def __init__(self, needs: Needs, jobs: int, command: Sequence[str], devices: Sequence[str] = ()) -> None:
        self._needs, self._command, self._devices = needs, command, devices
        self._free = list(range(jobs))[::-1]
        self._running: list[Job] = []
        self._seconds: dict[str, list[float]] = {}  # of finished stages, by kind
        self.done: list[str] = []
        self.failed: list[str] = []

    def run(self) -> int:
        """Run all; return the code of the signal that ended it, 0 if none did."""
        order, waiting = TopologicalSorter(self._needs), list[str]()
        order.prepare()
        with termination() as asked:
            while True:
                waiting = sorted([*waiting, *order.get_ready()], key=self._urgency)
                while waiting and self._free and not asked.code:
                    self._running.append(self._start(waiting.pop(0), self._free.pop()))
                print(f"== {self.progress()}", flush=True)
                if not self._running:
                    return asked.code
                order.done(*(job.name for job in self._wait(asked) if job.process.returncode == 0))

    def progress(self) -> str:
        """Say how far it is: stages done, running and failed, and the time left if it can be told."""
        running = ", ".join(job.name for job in self._running) or "none"
        counts = f"{len(self.done)} of {len(self._needs)} stages done, running: {running}"
        failed = f"; failed: {', '.join(self.failed)}" if self.failed else ""
        left = self._seconds_left()
        return counts + failed + ("" if left is None else f"; about {format_interval(left)} left")

    def skipped(self) -> list[str]:
        """Return the stages that were not begun because of one that failed."""
        return [name for name in self._needs if name not in {*self.done, *self.failed}]

    def summary(self) -> str:
        """Say where the time went: stages by kind, their times added up, the longest first."""
        kinds = sorted(self._seconds.items(), key=lambda item: -sum(item[1]))
        return ", ".join(f"{len(took)} {kind} {format_interval(sum(took))}" for kind, took in kinds)

    def _seconds_left(self) -> float | None:
        """Take for each stage the mean time of its kind; None while a kind of several stages is unknown."""
        kinds = [_kind(name) for name in self._needs if name not in {*self.done, *self.failed}]
        if self.failed or any(kinds.count(kind) > 1 and kind not in self._seconds for kind in kinds):
            return None
        total = sum(mean(self._seconds[kind]) for kind in kinds if kind in self._seconds)
        return total / (len(self._free) + len(self._running))

    def _urgency(self, name: str) -> tuple[bool, int, int]:
        """Return a key: first what may end a study early, then what most waits for.

        Then what waited for most: ``ensemble`` is long, and runs beside the last ``evaluate``, not after it.
        """
        after = self._after(name)
        early = any(_kind(each) in EARLY for each in (name, *after))
        return not early, -len(after), -len(self._needs[name])

    def _after(self, name: str) -> set[str]:
        """Return all that waits for a stage."""
        direct = [other for other, needs in self._needs.items() if name in needs]
        return set(direct).union(*map(self._after, direct))

    def _start(self, name: str, slot: int) -> Job:
        variables = dict(os.environ)
        if self._devices:
            variables["CUDA_VISIBLE_DEVICES"] = self._devices[slot % len(self._devices)]
        process = subprocess.Popen(
            [*self._command, name], env=variables, preexec_fn=end_with_parent,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        reader = threading.Thread(target=_echo, args=(process, name), daemon=True)
        reader.start()
        return Job(name, slot, process, reader, time.monotonic())

    def _wait(self, asked: Request) -> Iterator[Job]:
        """Wait until a job ends; yield those that have ended."""
        while not any(job.ended() for job in self._running):
            if asked.code == 143:  # a terminal sends Ctrl-C to all
                for job in self._running:
                    job.process.terminate()
            time.sleep(POLL)
        for job in [job for job in self._running if job.ended()]:
            self._running.remove(job)
            self._free.append(job.slot)
            (self.failed if job.process.returncode else self.done).append(job.name)
            self._seconds.setdefault(_kind(job.name), []).append(time.monotonic() - job.start)
            yield job


def _kind(name: str) -> str:
    return name.partition("@")[0]


def _echo(process: subprocess.Popen, name: str) -> None:
    """Print what a job says, each line with its name."""
    for line in process.stdout:
        if tells(line):
            print(f"[{name}] {line.rstrip()}", flush=True)


def tells(line: str) -> bool:
    """Whether a line of DVC says something of a study."""
    return bool(line.strip()) and not any(hint in line for hint in HINTS)


def due_needs(repo: Repo, noticed: Collection[str]) -> Needs:
    """Return the stages that are due, or may become so, and what each needs of them."""
    due = {*due_stages(repo, noticed), *(s.addressing for s in repo.index.stages if s.always_changed)}
    graph = repo.index.graph
    return {  # also those behind a stage that is not due
        stage.addressing: {need.addressing for need in descendants(graph, stage)} & due
        for stage in repo.index.stages
        if stage.addressing in due
    }


def devices() -> list[str]:
    """Return the numbers of the GPUs that may be used."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in visible.split(",") if name]
    try:
        listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True).stdout
    except OSError:  # no such program
        return []
    return [str(number) for number in range(listed.count("GPU "))]


def launchers(params: Params) -> set[str]:
    """Return how stages are started."""
    return {params.launch.train, params.launch.evaluate}


def number_of_jobs(params: Params, asked: str, gpus: int) -> int:
    """Return how many stages run at once; ``auto``: a GPU each, or ``compute.threads`` cores.

    StudyError if it is no number.
    """
    cores, threads = len(os.sched_getaffinity(0)), params.compute.threads
    if asked == "auto":
        return max(1, gpus or cores // threads) if launchers(params) == {PLAIN} else 1
    if not asked.isdecimal() or asked == "0":
        raise StudyError(f"JOBS: expected a number or auto, found {asked!r}")
    here = PLAIN in launchers(params)  # else they may run on other machines
    if here and not gpus and int(asked) * threads > cores:
        print(f"JOBS={asked}: with compute.threads {threads} that is more than the {cores} cores here")
    return int(asked)


def main(params: Params, jobs: str) -> None:
    """Run what is due, then ``dvc repro``; exit code 1 if a stage failed, 130 or 143 after a signal."""
    gpus = devices()
    number = number_of_jobs(params, jobs, len(gpus))
    if number > 1:
        with Repo() as repo:
            others = ["settings"] if other_label_space(params) else []
            needs = due_needs(repo, [*others, *(f"pack@{source}" for source in changed_images(params))])
        own = gpus if launchers(params) == {PLAIN} else []  # else the launcher says which
        work = Jobs(needs, number, ["dvc", "--wait-for-lock", "repro", "--single-item"], own)
        if code := work.run():
            sys.exit(code)
        print(f"== took {work.summary()}", flush=True)
        if work.failed:
            skipped = f"; not begun: {', '.join(work.skipped())}" if work.skipped() else ""
            raise StudyError(f"failed: {', '.join(work.failed)}{skipped}")
    process = subprocess.Popen(["dvc", "repro"], stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if tells(line):
            print(line, end="", flush=True)
    sys.exit(process.wait())


if __name__ == "__main__":
    run_stage(main)
