"""How far the work is: a bar on a terminal, now and then a line elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tqdm import tqdm as Bar

SECONDS = 60.0  # between two lines where stderr is no terminal: a short task says nothing there

_task: ContextVar[str] = ContextVar("task", default="")


@contextmanager
def task(name: str) -> Iterator[None]:
    """Put a name, such as that of a variant and its seed, before what every bar in the block says."""
    token = _task.set(f"{name}: ")
    try:
        yield
    finally:
        _task.reset(token)


def format_interval(seconds: float) -> str:
    """Return seconds as minutes and seconds, ``02:05``, or hours, minutes and seconds, ``1:02:05``."""
    return Bar.format_interval(seconds)


def score_text(score: float | None) -> str:
    """Return a score as stages print it."""
    return "undefined" if score is None else f"{score:.4f}"


def progress(total: int, unit: str, description: str, done: int = 0, keep: bool = True) -> Bar:
    """Return a bar on stderr with rate and time left, for a ``with`` block; a total of 0 shows nothing.

    ``done`` units were done before; ``keep`` lets the bar stay when it is full.
    """
    seldom = {} if sys.stderr.isatty() else dict.fromkeys(("delay", "mininterval", "maxinterval"), SECONDS)
    return Bar(
        total=total,
        initial=done,
        unit=f" {unit}",
        desc=_task.get() + description,
        leave=keep,
        disable=not total,
        dynamic_ncols=True,
        **seldom,
    )
