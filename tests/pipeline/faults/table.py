"""What was tried, counted: lines of a run's output, and the table of docs/interruptions.md."""

import re
from collections import Counter
from collections.abc import Iterable

from tests.architecture import ROOT
from tests.pipeline.faults.kills import MOMENTS, VICTIMS

PAGE = ROOT / "docs/interruptions.md"
BEGIN, END = "<!-- faults -->", "<!-- /faults -->"

#: How often, by what a fault was tried on and what it was.
Counts = Counter[tuple[str, str]]


def line(seconds: float, row: str, column: str) -> str:
    """Return what a run prints of one fault."""
    return f"{seconds:6.0f} s  {row}: {column}"


def read_counts(text: str) -> Counts:
    """Return the counts of a run's output."""
    return Counter(re.findall(r"^ *\d+ s  ([^:\n]+): (.+)$", text, flags=re.M))


def table(counts: Counts, kinds: Iterable[str]) -> str:
    """Return kills and full disks by kind of stage, then the rest, as markdown."""
    rows = [[f"`{kind}`", *_row(counts, kind)] for kind in kinds]
    rows += [["all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])]]
    heads = ["stage", "the stage killed", "dvc", "both", "at a write", "full disk"]
    lines = [f"| {' | '.join(map(str, row))} |" for row in [heads, ["---", *["---:"] * 5], *rows]]
    rest = sorted((*key, count) for key, count in counts.items() if key[0] not in kinds)
    return "\n".join([*lines, "", *(f"- {row}, {column}: {count}" for row, column, count in rest)])


def _row(counts: Counts, kind: str) -> list[int]:
    victims = [sum(counts[kind, f"{victim}, {moment}"] for moment in MOMENTS) for victim in VICTIMS]
    return [*victims, sum(counts[kind, f"{victim}, write"] for victim in VICTIMS), counts[kind, "full disk"]]


def write(text: str) -> None:
    """Put the table into the page."""
    page = re.sub(
        f"({BEGIN}\n).*({END})", lambda match: f"{match[1]}{text}\n{match[2]}", PAGE.read_text(), flags=re.S
    )
    PAGE.write_text(page)
