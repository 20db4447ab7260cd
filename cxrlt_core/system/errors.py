"""The one exception that a user may see."""


class StudyError(Exception):
    """Bad input, described in one line: which file, which row or key, what is wrong, what was expected.

    Stages print the message and exit with code 1; no traceback is shown.
    """


def reason(error: Exception) -> str:
    """Return the first line of what a library said, or what kind of error it raised."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
