"""A picture with its place in the report, its words, and the numbers that it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from matplotlib.figure import Figure


class Section(StrEnum):
    """Where in the report a picture stands."""

    ANSWER = "answer"
    TABLE1 = "table1"
    CONTRASTS1 = "contrasts1"
    CHANGES = "changes"  # what designs change class by class
    TABLE2 = "table2"
    CONTRASTS2 = "contrasts2"
    SELECTION = "selection"
    CALIBRATION = "calibration"
    PLAN = "plan"
    CLASSES = "classes"
    ATTENTION = "attention"
    DATA = "data"
    TRAINING = "training"


@dataclass(frozen=True)
class Picture:
    """What the report shows.

    Attributes:
        name: of its files.
        section: of the report.
        position: among the pictures of the section.
        alt: what it shows in a few words, for those who do not see it; its message is the caption's.
        figure: the drawing.
        caption: its message.
        records: the numbers in it, a line of its CSV each; images have none.
    """

    name: str
    section: Section
    position: int
    alt: str
    figure: Figure
    caption: str
    records: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @property
    def markdown(self) -> str:
        """The picture, its caption and a link to its numbers."""
        numbers = f" ([numbers](numbers/{self.name}.csv))" if self.records else ""
        return f"![{self.alt}](figures/{self.name}.png)\n\n{self.caption}{numbers}\n"
