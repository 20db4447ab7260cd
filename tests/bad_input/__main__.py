"""Write docs/generated/bad-input.md: every bad input and its line.

Usage: python -m tests.bad_input   (`make bad-input`)
"""

from cxrlt_core.system.files import write_text
from tests.bad_input import ROOMS

PAGE = "docs/generated/bad-input.md"

HEAD = """# Bad input, and what is said about it

An error ends a stage with its line and exit code 1; … is for the rest of a long line, or for the words of a
package.
"""


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|")


sections = [HEAD]
for room, (note, cases) in ROOMS.items():
    rows = "".join(f"| {cell(case.what)} | `{cell(case.line)}` |\n" for case in cases)
    sections.append(f"## {room}\n\n{note}\n\n| input | line |\n| --- | --- |\n{rows}")
write_text(PAGE, "\n".join(sections))
print(PAGE)
