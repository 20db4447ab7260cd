"""End with the DVC that started this process, and at a signal.

A killed process takes nothing below it along by itself.

A signal raises nothing here. Python drops what is raised while it collects an object, and it calls handlers
there, too; packages keep what they were at half-made, and wait for it. Every file is whole at any moment
(:mod:`cxrlt_core.system.atomic`), so a process may just end, or finish its step and save.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psutil

from cxrlt_core.system.errors import stopped_line

POLL_SECONDS = 1.0  # between two looks
PR_SET_PDEATHSIG = 1  # of prctl(2)


def end_with_dvc(here: bool = True) -> None:
    """Send SIGTERM to this process once the DVC that started it is gone; at once if it is gone already.

    However many shells and launchers lie between. Without a program ``dvc`` above, it is the nearest one of
    Python, which may use DVC as a library. What DVC has not started is left alone. Where DVC does not run
    on this machine (``here``), it is watched only if it is found.
    """
    if "DVC_STAGE" not in os.environ:  # DVC sets it
        return
    above = psutil.Process().parents()
    for is_dvc in (is_program("dvc"), _is_python):
        for process in above:
            with suppress(psutil.Error):  # another user's, or gone
                if is_dvc(process.cmdline()):
                    threading.Thread(target=_watch, args=(process,), daemon=True).start()
                    return
    if here:
        signal.raise_signal(signal.SIGTERM)


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Let this process get a signal when the one that started it dies, however that is; a ``preexec_fn``."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _is_python(command: Sequence[str]) -> bool:
    return os.path.basename(next(iter(command), "")).startswith("python")


def is_program(name: str) -> Callable[[Sequence[str]], bool]:
    """Return what tells a program's command line, also where Python runs it: a script, or ``-m name``."""

    def accept(command: Sequence[str]) -> bool:
        program, *words = [os.path.basename(word) for word in command[:3]] or [""]
        return program == name or (_is_python(command) and (words[:1] == [name] or words == ["-m", name]))

    return accept


def end_at_signals() -> None:
    """Let SIGTERM and Ctrl-C end this process at once, with a line and code 143 or 130, wherever it is.

    Who has something to save asks, see :func:`termination`. A process that is to ignore Ctrl-C ignores it.
    SIGUSR1 is SIGTERM from a launcher, see :mod:`cxrlt_core.system.launcher`.
    """
    for number in _heard():
        signal.signal(number, _leave)
    signal.signal(signal.SIGUSR1, lambda *_: signal.raise_signal(signal.SIGTERM))


class Request:
    """Whether the process was asked to end: ``code`` is that of Ctrl-C (130) or SIGTERM (143), else 0."""

    code = 0


@contextmanager
def termination() -> Generator[Request]:
    """Yield what Ctrl-C and SIGTERM fill in, in the main thread; a second Ctrl-C ends at once.

    What the block does not heed comes again at its end.
    """
    asked = Request()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    previous = {number: signal.getsignal(number) for number in _heard()}

    def note(number: int, _: Any) -> None:
        asked.code = 128 + number
        if signal.SIGINT in previous:
            signal.signal(signal.SIGINT, previous[signal.SIGINT])

    for number in previous:
        signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if asked.code:
        signal.raise_signal(asked.code - 128)


def _heard() -> list[signal.Signals]:
    both = (signal.SIGINT, signal.SIGTERM)
    return [number for number in both if signal.getsignal(number) is not signal.SIG_IGN]


def _leave(number: int, _: Any) -> None:
    code = 128 + number
    try:
        if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one talks
            with suppress(Exception):  # this may have come amid a print
                sys.stdout.flush()
            bar = "\n" if os.isatty(2) else ""  # the line stands below it
            os.write(1, f"{bar}{stopped_line(code)}\n".encode())
    finally:
        os._exit(code)


def _watch(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
