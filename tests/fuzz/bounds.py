"""What may come of any input: a result or a line, in bounded time and memory."""

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cxrlt_core.system.errors import StudyError

R = TypeVar("R")
SECONDS, MEBIBYTES, CHARACTERS = 20, 600, 1000


class Hangs(BaseException):
    """No Exception, which decoders would take for one of their own."""


@contextmanager
def bounded() -> Iterator[None]:
    """Raise :class:`Hangs` after some seconds, AssertionError if the process has grown by too much."""

    def ring(*_: Any) -> None:
        raise Hangs(f"more than {SECONDS} s")

    before, previous = _peak(), signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    assert _peak() - before < MEBIBYTES << 10, f"{(_peak() - before) >> 10} MiB"


def outcome(function: Callable[[], R], start: str = "", lines: int = 1) -> R | None:
    """Return what a function gives, None if it refuses its input with a line, or a few.

    Args:
        function: anything but a StudyError that it raises is a defect.
        start: what every line begins with.
        lines: that a refusal may have.
    """
    try:
        with bounded():
            return function()
    except StudyError as error:
        said = str(error).splitlines() or [""]
        assert len(said) <= lines
        assert all(line.startswith(start) and len(start) < len(line) <= CHARACTERS for line in said)
        return None


def _peak() -> int:
    """The most memory that the process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
