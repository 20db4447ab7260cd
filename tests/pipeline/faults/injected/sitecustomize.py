"""Python runs this before all else in every process that a fault is tried on; see faults/processes.py.

FAULT is JSON: the ``program`` meant (``dvc``, ``stages.tta``), the ``folder`` whose files count, and either
``at``, the write before which the program stops itself, by number or by the name of the file, or ``log``, a
file that is told how many writes it made and how long it took. ``torn``: a file that is about to be written
anew has been cut to this share already. CLOCK: seconds by which the clocks of Python are set back.
"""

import atexit
import json
import os
import signal
import sys
import time

WRITES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}


def program() -> str:
    """Return what runs here: the module after -m, else the name of the script."""
    words = sys.orig_argv[1:]
    return words[words.index("-m") + 1] if "-m" in words else os.path.basename(words[0] if words else "")


class Watch:
    """Counts the writes of this process below a folder; stops it before one of them."""

    def __init__(
        self, folder: str, at: int | str | None = None, log: str | None = None, torn: float | None = None
    ) -> None:
        self.folder, self.at, self.torn = f"{folder}{os.sep}", at, torn
        self.count, self.start = 0, time.monotonic()
        os.register_at_fork(after_in_child=self.rest)  # nobody would wake a worker that stopped late
        if log:
            atexit.register(self.note, log)

    def rest(self) -> None:
        self.at = None

    def note(self, log: str) -> None:
        with open(log, "a") as file:
            file.write(f"{program()} {self.count} {time.monotonic() - self.start:.2f}\n")

    def __call__(self, event: str, arguments: tuple) -> None:
        if event not in WRITES or not (path := self.written(event, arguments)):
            return
        self.count += 1
        if self.at in (self.count, os.path.basename(path)):
            self.rest()
            if self.torn is not None and event == "open" and arguments[2] & os.O_TRUNC:
                with open(path, "ab") as file:
                    file.truncate(int(self.torn * file.tell()))
            os.kill(os.getpid(), signal.SIGSTOP)

    def written(self, event: str, arguments: tuple) -> str | None:
        """Return the file that is written, None if it does not count."""
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return None
        if not isinstance(arguments[0], str | bytes | os.PathLike):  # a number of an open file
            return None
        path = os.path.abspath(os.fsdecode(arguments[0]))
        return path if path.startswith(self.folder) and "__pycache__" not in path else None


def set_back(seconds: float) -> None:
    """Let Python's clocks show an earlier time; those of files are the kernel's."""
    now, now_ns = time.time, time.time_ns
    time.time = lambda: now() - seconds
    time.time_ns = lambda: now_ns() - int(seconds * 1e9)


if "FAULT" in os.environ:
    fault = json.loads(os.environ["FAULT"])
    if fault.pop("program") in (program(), "any"):
        sys.addaudithook(Watch(**fault))
if "CLOCK" in os.environ:
    set_back(float(os.environ["CLOCK"]))
