"""End with the process that started this one, and at a signal from the first import on.

A killed process takes nothing below it along by itself.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from cxrlt_core.system.errors import stopped_line

if TYPE_CHECKING:
    import psutil

SECONDS = 1.0  # between two looks
_asked = 0


def end_with_ancestor(accept: Callable[[Sequence[str]], bool]) -> None:
    """Send SIGTERM to this process once the nearest accepted one above it is gone.

    A thread watches, however many shells and launchers lie between; without such an ancestor there is none.
    A script that ``python -m`` is about to import ends at a signal, see :func:`end_at_signals`.

    Args:
        accept: says of a command line whether it is the ancestor's.
    """
    if sys.argv[0] == "-m":  # that is what Python says while it looks for the module
        end_at_signals()
    import psutil  # behind what ends an import

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


def end_at_signals() -> None:
    """Let Ctrl-C, unless this process is to ignore it, and SIGTERM end it at once, with a line.

    Nothing is raised: Python drops what is raised while it collects an object, and it calls handlers there,
    too; packages do anything with an exception in their midst but pass it on. The work would go on.
    """
    for number in _heard():
        signal.signal(number, _leave)


def raise_at_signals() -> None:
    """Let Ctrl-C and SIGTERM raise SystemExit with code 130 or 143, for work that saves what it has.

    Whether it arrived, :func:`asked` tells.
    """
    for number in _heard():
        signal.signal(number, _raise)


def asked() -> int:
    """Return 130 or 143 if a signal has raised since :func:`raise_at_signals`, else 0."""
    return _asked


def _heard() -> list[signal.Signals]:
    both = (signal.SIGINT, signal.SIGTERM)
    return [number for number in both if signal.getsignal(number) is not signal.SIG_IGN]


def _raise(number: int, _: Any) -> NoReturn:
    global _asked
    _asked = 128 + number
    sys.exit(_asked)


def _leave(number: int, _: Any) -> None:
    code = 128 + number
    try:
        if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one talks
            with suppress(Exception):  # this may have come amid a print
                sys.stdout.flush()
            os.write(1, f"{stopped_line(code)}\n".encode())
    finally:
        os._exit(code)


def _watch(process: "psutil.Process") -> None:
    while _alive(process):
        time.sleep(SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def _alive(process: "psutil.Process") -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
