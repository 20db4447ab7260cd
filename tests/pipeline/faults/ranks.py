"""Two processes train as one, and one of them is killed."""

import random
import time

import psutil

from tests.pipeline.faults.processes import Command, environment, runs
from tests.pipeline.faults.study import Fault, Study

LOOK = 0.03  # seconds
VARIANT = "resnet50_t5_contrast_mixup"
RUN = ("dvc", "repro", "--single-item", f"train@{VARIANT}")


class Pair:
    """A study that trains with two processes on the CPU, long enough to be killed."""

    def __init__(self, study: Study) -> None:
        """Edit the study and train undisturbed."""
        self.study, workspace = study, study.workspace
        workspace.edit("train: python,", "train: torchrun --standalone --nproc-per-node=2,")
        workspace.edit("epochs: 1 ", "epochs: 30 ")
        workspace.edit("checkpoint_minutes: 10", "checkpoint_minutes: 0.0005")
        workspace.repro("repro", "settings")
        self.files = set((study.folder / "checkpoints").iterdir())
        start = time.monotonic()
        workspace.repro(*RUN[1:])
        self.seconds = time.monotonic() - start
        self.whole = self.models()

    def models(self) -> dict[str, str]:
        """Return what was trained, without the times that it took."""
        contents = self.study.contents().items()
        return {name: mark for name, mark in contents if name.startswith(f"models/{VARIANT}/")}

    def forget(self) -> None:
        """Let it train anew, from the first step."""
        self.study.forget(f"train@{VARIANT}")
        for path in set((self.study.folder / "checkpoints").iterdir()) - self.files:
            path.unlink()

    def kill(self, rank: int, generator: random.Random) -> str:
        """Kill a rank at a random moment of the training, go on; return the line in between."""
        while (command := self.begin_and_kill(rank, generator)) is None:
            continue  # it had ended
        code, said = command.wait(), command.said()
        self.study.check_processes()
        lines = [line for line in said.splitlines() if line.startswith("error: ")]
        if not code or len(lines) != 1 or "Traceback" in said:
            raise Fault(f"exit code {code}: {said}")
        self.study.workspace.repro(*RUN[1:])
        if self.models() != self.whole:
            raise Fault("another model")
        return lines[0]

    def begin_and_kill(self, rank: int, generator: random.Random) -> Command | None:
        """Let it train anew and kill a rank; None if it had ended before."""
        self.forget()
        command = Command(self.study.folder, RUN, environment(self.study.folder))
        while command.running and not self.find(command, rank):
            time.sleep(LOOK)
        time.sleep(self.seconds * generator.random())
        if found := self.find(command, rank):
            found.kill()
            return command
        command.wait()
        return None

    @staticmethod
    def find(command: Command, rank: int) -> psutil.Process | None:
        for one in command.below():
            try:
                if runs(one, "stages.train") and one.environ().get("RANK") == str(rank):
                    return one
            except psutil.NoSuchProcess:
                continue
        return None
