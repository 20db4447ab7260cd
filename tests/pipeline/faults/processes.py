"""Start a study's command with a fault in one of its programs, and find and kill processes of it."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from tests.pipeline.workspace import ENVIRONMENT

INJECTED = Path(__file__).parent / "injected"
LIMIT = 300.0  # seconds that no command needs


def environment(folder: Path, clock: float | None = None, **fault: Any) -> dict[str, str]:
    """Return the environment of a study in which a fault happens, see injected/sitecustomize.py.

    It is ``program`` and ``at``, ``torn`` or ``log``; the clock is set back by so many seconds.
    """
    words = {"PYTHONPATH": str(INJECTED), "OMP_NUM_THREADS": "1"}
    if fault:
        words["FAULT"] = json.dumps({**fault, "folder": os.path.realpath(folder)})
    if clock is not None:
        words["CLOCK"] = str(clock)
    return {**ENVIRONMENT, **words}


class Command:
    """A command in a study's folder, in a session of its own, that is watched from outside."""

    def __init__(self, folder: Path, words: Sequence[str], variables: dict[str, str]) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.process = subprocess.Popen(
            words, cwd=folder, env=variables, start_new_session=True,
            stdout=self._output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.top = psutil.Process(self.process.pid)
        self.limit = time.monotonic() + LIMIT

    @property
    def running(self) -> bool:
        """Whether the command itself has not ended."""
        if time.monotonic() > self.limit:
            self.kill_all()
            raise TimeoutError(f"not ended after {LIMIT:.0f} s: {self.said()}")
        return self.process.poll() is None

    def below(self) -> list[psutil.Process]:
        """Return the processes that it has started, directly or not."""
        try:
            return self.top.children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def find(self, module: str) -> psutil.Process | None:
        """Return the outermost process below that runs ``python -m module``."""
        return next((one for one in self.below() if runs(one, module)), None)

    def stopped(self) -> bool:
        """Whether a process of it has stopped itself."""
        return any(status(one) == psutil.STATUS_STOPPED for one in [self.top, *self.below()])

    def kill_all(self) -> None:
        """Kill the session as a whole."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def wake(self, processes: Sequence[psutil.Process]) -> None:
        """Let stopped processes go on."""
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def said(self) -> str:
        self._output.seek(0)
        return self._output.read()

    def wait(self) -> int:
        """Wait for the end; return the exit code, or minus the signal."""
        while self.running:
            time.sleep(0.02)
        return self.process.returncode


def runs(process: psutil.Process, module: str) -> bool:
    """Whether a process is ``python -m module``, and not the shell that starts it."""
    try:
        words = process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return "-m" in words[:3] and words[words.index("-m") + 1] == module


def status(process: psutil.Process) -> str | None:
    try:
        return process.status()
    except psutil.NoSuchProcess:
        return None
