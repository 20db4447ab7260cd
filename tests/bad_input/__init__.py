"""Bad input, case by case, and the line that a user sees: docs/bad-input.md.

Usage: python -m tests.bad_input   (writes the page anew)
"""

from tests.architecture import ROOT
from tests.bad_input import artifacts, label_files, params, pictures
from tests.bad_input.case import Case

PAGE = ROOT / "docs/bad-input.md"

#: Heading to what it says, and its cases.
ROOMS: dict[str, tuple[str, list[Case]]] = {
    "Label files": ("A reader stops at the first fault.", label_files.CASES),
    "Image files": (
        "A rejected image alone stops nothing, see `image.max_rejects`; its reason is in the index.",
        pictures.CASES,
    ),
    "params.yaml": ("A line a problem; the smoke study, with keys changed.", params.CASES),
    "Stages, and files between them": ("Files damaged, or changed by hand.", artifacts.CASES),
}


def page() -> str:
    """The page."""
    count = sum(len(cases) for _, cases in ROOMS.values())
    sections = [f"## {room}\n\n{note}\n\n{_table(cases)}" for room, (note, cases) in ROOMS.items()]
    return "\n".join([_HEAD.format(count=count), *sections])


def _table(cases: list[Case]) -> str:
    rows = "".join(f"| {_cell(case.what)} | `{_cell(case.line)}` |\n" for case in cases)
    return f"| input | line |\n| --- | --- |\n{rows}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


_HEAD = """# Bad input, and what is said about it

{count} cases; `tests/test_bad_input.py` tries each and holds it to its line. Written by
`python -m tests.bad_input`. An error ends a stage with its line and exit code 1; … is for the
rest of a long line, or for the words of a package.
"""
