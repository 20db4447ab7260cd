"""The one exception that a user may see, and the line of a run that was asked to end."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

SIGNALS = {130: "Ctrl-C", 143: "SIGTERM"}  # by exit code
SAVED = "finished stages are saved"  # whatever a stage was at


class StudyError(Exception):
    """Bad input, described in one line: which file, which row or key, what is wrong, what was expected.

    Stages print the message and exit with code 1; no traceback is shown.
    """


#: Exit code of a process that has lost those it works with; it keeps silent, who started it says it.
LOST = 75


class Stopped(SystemExit):
    """The run was asked to end, and has saved what it had: ``saved`` says what, None keeps silent.

    ``code`` is 130 after Ctrl-C, 143 after SIGTERM, or LOST.
    """

    def __init__(self, code: int, saved: str | None = None) -> None:
        super().__init__(code)
        self.saved = saved


def stopped_line(code: int, saved: str = SAVED) -> str:
    """Say by which signal a run ended, by its exit code, and what is saved."""
    return f"stopped by {SIGNALS[code]}: {saved}; dvc repro goes on from there"


def reason(error: Exception) -> str:
    """Return the first line of what a library said, or what kind of error it raised."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def shown(value: Any) -> str:
    """Return a value as a line shows it: what is long is cut off."""
    return cut(repr(value), 80)


def meant(name: str, known: Iterable[str]) -> str:
    """Return the end of a line, ``, did you mean 'Mass'?``, if a name is nearly one of some known ones."""
    near = nearest(name, known)
    return "" if near is None else f", did you mean {shown(near)}?"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another one, if any is; case and underscores do not count."""
    plain = {_plain(other): other for other in known}
    close = get_close_matches(_plain(name), plain, n=1)
    return plain[close[0]] if close else None


def _plain(name: str) -> str:
    return " ".join(name[:80].lower().replace("_", " ").split())


def cut(text: str, most: int) -> str:
    """Return a text of so many characters at most, the last one … where some are left out."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
