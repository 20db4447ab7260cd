"""The one exception that a user may see."""


class StudyError(Exception):
    """Bad input, described in one line: which file, which row or key, what is wrong, what was expected.

    Stages print the message and exit with code 1; no traceback is shown.
    """


#: Exit code of a process that has lost those it works with; it keeps silent, who started it says it.
LOST = 75


class Stopped(SystemExit):
    """The run was asked to end, and has saved what it had.

    Attributes:
        code: 130 after Ctrl-C, 143 after SIGTERM, LOST.
        saved: what is kept, in words; None for a process that keeps silent.
    """

    def __init__(self, code: int, saved: str | None = None) -> None:
        super().__init__(code)
        self.saved = saved


def exit_code(ending: BaseException) -> int | None:
    """Return 130 for Ctrl-C, 143 for SIGTERM, None for any other way to end."""
    if isinstance(ending, KeyboardInterrupt):
        return 130
    return ending.code if isinstance(ending, SystemExit) and ending.code in (130, 143) else None


def reason(error: Exception) -> str:
    """Return the first line of what a library said, or what kind of error it raised."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
