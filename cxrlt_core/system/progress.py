"""How far the work is: a bar on a terminal, now and then a plain line elsewhere."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

from tqdm import tqdm

FIRST_LINE = 60.0  # seconds until the first plain line of a task; each wait is twice the one before


class _Pace:
    """When a plain line is due: after 1, 3, 7, 15… minutes of a task, so a day of work takes ten."""

    def __init__(self, task: str = "") -> None:
        self.task, self.wait = task, FIRST_LINE
        self.due = time.monotonic() + self.wait

    def passed(self) -> bool:
        if time.monotonic() < self.due:
            return False
        self.wait *= 2
        self.due = time.monotonic() + self.wait
        return True


_task: ContextVar[_Pace | None] = ContextVar("task", default=None)


@contextmanager
def task(name: str) -> Iterator[None]:
    """Put a name, such as that of a variant and its seed, before what every bar in the block says."""
    token = _task.set(_Pace(name))
    try:
        yield
    finally:
        _task.reset(token)


def format_interval(seconds: float) -> str:
    """Return seconds as minutes and seconds, ``02:05``, or hours, minutes and seconds, ``1:02:05``."""
    return tqdm.format_interval(seconds)


def score_text(score: float | None) -> str:
    """Return a score as stages print it."""
    return "undefined" if score is None else f"{score:.4f}"


def progress(
    work: Iterable[Any] | int, unit: str, description: str, done: int = 0, keep: bool = True
) -> "Bar":
    """Return a bar on stderr with rate and time left, or plain lines where stderr is no terminal.

    Args:
        work: what to iterate over, or how many units there are, 0 shows nothing: then use the bar in a
            ``with`` block, advance it by ``update(count)``, and add words by ``set_postfix_str(words)``.
        unit: what is counted.
        description: what is being done.
        done: units that were done before.
        keep: whether the bar stays when it is full.
    """
    pace = _task.get() or _Pace()
    description = f"{pace.task}: {description}" if pace.task else description
    total = {"total": work} if isinstance(work, int) else {"iterable": work}
    if work != 0 and not sys.stderr.isatty():
        return Lines(**total, unit=unit, description=description, done=done, pace=pace)
    shown = {"unit": f" {unit}", "desc": description, "dynamic_ncols": True}
    return tqdm(**total, **shown, initial=done, leave=keep, disable=work == 0)


class Lines:
    """Prints how far the work is, seldom; used like a bar."""

    def __init__(
        self,
        *,
        unit: str,
        description: str,
        done: int,
        pace: _Pace,
        iterable: Iterable[Any] = (),
        total: int | None = None,
    ) -> None:
        self.iterable, self.unit, self.description, self.pace = iterable, unit, description, pace
        self.total = len(iterable) if total is None and hasattr(iterable, "__len__") else total
        self.before = self.done = done
        self.words, self.start = "", time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def __iter__(self) -> Iterator[Any]:
        for one in self.iterable:
            yield one
            self.update()

    def set_postfix_str(self, words: str) -> None:
        """Add words to the lines to come."""
        self.words = words

    def update(self, count: int = 1) -> None:
        """Count what was done, and print a line if one is due."""
        self.done += count
        if self.pace.passed():
            print(self._line(), file=sys.stderr, flush=True)

    def _line(self) -> str:
        rate = (self.done - self.before) / max(1e-9, time.monotonic() - self.start)
        of = f" of {self.total:,}" if self.total is not None else ""
        parts = [f"{self.description}, {self.unit} {self.done:,}{of}", f"{rate:.3g}/s"]
        if self.total is not None and rate:
            parts.append(f"{format_interval((self.total - self.done) / rate)} left")
        return ", ".join([*parts, *([self.words] if self.words else [])])


Bar = tqdm | Lines
