"""A picture with its caption and the numbers that it shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """What the report shows.

    Attributes:
        figure: the drawing.
        caption: its message.
        records: the numbers in it, a line of its CSV each.
    """

    figure: Figure
    caption: str
    records: Sequence[Mapping] = field(default_factory=list)


def picture(module: ModuleType, records: Sequence[Mapping], *settings: object) -> Picture:
    """Draw with one of the modules of this room."""
    return Picture(module.draw(records, *settings), module.caption(records, *settings), records)
