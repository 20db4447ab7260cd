"""End with the process that started this one, and at a signal from the first import on.

A killed process takes nothing below it along by itself.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cxrlt_core.system.errors import stopped_line

if TYPE_CHECKING:
    import psutil

SECONDS = 1.0  # between two looks


def end_with_ancestor(accept: Callable[[Sequence[str]], bool]) -> None:
    """Send SIGTERM to this process once the nearest accepted one above it is gone.

    A thread watches, however many shells and launchers lie between; without such an ancestor there is none.
    A script that ``python -m`` is about to import ends at a signal with a line, see :func:`raise_at_signals`.

    Args:
        accept: says of a command line whether it is the ancestor's.
    """
    if sys.argv[0] == "-m":  # that is what Python says while it looks for the module
        _leave_at_signals()
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


def raise_at_signals() -> None:
    """Let SIGTERM raise SystemExit with code 143 in the main thread, and Ctrl-C KeyboardInterrupt.

    So what is open is closed. Before, while a script imports what it needs, nothing is open, and packages do
    anything with an exception in their midst but pass it on.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if signal.getsignal(signal.SIGINT) is _leave:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _leave_at_signals() -> None:
    """Let Ctrl-C, unless this process is to ignore it, and SIGTERM end it at once, with a line."""
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def _leave(number: int, _: Any) -> None:
    code = 128 + number
    if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one talks
        os.write(1, f"{stopped_line(code)}\n".encode())
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
