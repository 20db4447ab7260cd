"""End with the process that started this one: a killed one takes nothing below it along by itself."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence

import psutil

SECONDS = 1.0  # between two looks


def end_with_ancestor(accept: Callable[[Sequence[str]], bool]) -> None:
    """Send SIGTERM to this process once the nearest accepted one above it is gone.

    A thread watches, however many shells and launchers lie between. Without such an ancestor nothing happens.

    Args:
        accept: says of a command line whether it is the ancestor's.
    """
    for process in psutil.Process().parents():
        try:
            found = accept(process.cmdline())
        except psutil.Error:  # another user's, or gone
            continue
        if found:
            threading.Thread(target=_watch, args=(process,), daemon=True).start()
            return


def is_program(name: str) -> Callable[[Sequence[str]], bool]:
    """Return what tells a program's command line, also where Python runs it: a script, or ``-m name``."""

    def accept(command: Sequence[str]) -> bool:
        program, *words = [os.path.basename(word) for word in command[:3]] or [""]
        return program == name or (
            program.startswith("python") and (words[:1] == [name] or words == ["-m", name])
        )

    return accept


def exit_on_sigterm() -> None:
    """Let SIGTERM raise SystemExit with code 143 in the main thread, so that what is open is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _watch(process: psutil.Process) -> None:
    while _alive(process):
        time.sleep(SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
