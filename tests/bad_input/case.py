"""A bad input and the line that a user sees."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from cxrlt_core.system.errors import StudyError


class Case(NamedTuple):
    """One bad input: ``attempt`` makes it in an empty folder and hands it to the function that users come by.

    The line ends with … where a package goes on in words of its own; places in the folder are relative to it.
    """

    what: str
    attempt: Callable[[Path], Any]
    line: str

    def refusal(self, folder: Path) -> str:
        """The line of the StudyError that the attempt must raise."""
        try:
            self.attempt(folder)
        except StudyError as error:
            return str(error).replace(f"{folder}/", "").replace(f"{folder}", "folder")
        raise AssertionError(f"{self.what}: taken")

    def expects(self, line: str) -> bool:
        """Whether a line is the expected one."""
        return line.startswith(self.line[:-1]) if self.line.endswith("…") else line == self.line
