"""The pictures of a study, one file each.

A figure is a module of this package, found by name: its ``show`` takes the results of a study and yields
pictures, each with the records that it shows, its caption, and the section of the report in which it stands.
Records are flat: a line of the CSV each. What a study does not have is None or absent; of nothing no picture
is yielded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from matplotlib.figure import Figure

from cxrlt_core.figures import style
from cxrlt_core.results.study import Results


class Section(StrEnum):
    """Where in the report or its appendix a picture stands, in its order."""

    ANSWER = "answer"
    PLAN = "plan"
    TABLE1 = "table1"
    CONTRASTS1 = "contrasts1"
    CHANGES = "changes"  # what designs change class by class
    TABLE2 = "table2"
    CONTRASTS2 = "contrasts2"
    SELECTION = "selection"
    CALIBRATION = "calibration"
    CLASSES = "classes"
    ATTENTION = "attention"
    DATA = "data"
    TRAINING = "training"


@dataclass(frozen=True)
class Picture:
    """A drawing with its place in the report, its words, and the numbers that it shows."""

    name: str  # of its files
    section: Section
    position: int  # among the pictures of the section
    alt: str  # what it shows in a few words, for those who do not see it
    figure: Figure
    caption: str  # its message
    records: Sequence[Mapping[str, Any]] = field(default_factory=list)  # of its CSV; images have none

    def markdown(self, root: str = "") -> str:
        """Return the picture, its caption and a link to its numbers; root: where both lie, from the page."""
        numbers = f" ([numbers]({root}numbers/{self.name}.csv))" if self.records else ""
        return f"![{self.alt}]({root}figures/{self.name}.png)\n\n{self.caption}{numbers}\n"


def figures() -> list[str]:
    """Return the names of all figures."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "style")


def draw_figures(results: Results) -> list[Picture]:
    """Draw the figures of a study, in the order of the report; what it has nothing of is not drawn."""
    with style.applied():
        shown = [import_module(f"{__name__}.{name}").show(results) for name in figures()]
        pictures = [picture for each in shown for picture in each]
    sections = list(Section)
    return sorted(pictures, key=lambda picture: (sections.index(picture.section), picture.position))
