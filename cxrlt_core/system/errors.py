"""The one exception that a user may see."""


class StudyError(Exception):
    """Bad input, described in one line: which file, which row or key, what is wrong, what was expected.

    Stages print the message and exit with code 1; no traceback is shown.
    """
