"""The pictures of a study, one file each.

A figure is a module of this package, found by name: its ``show`` takes the results of a study and yields
pictures, each with the records that it shows, its caption, and the section of the report in which it stands.
Records are flat: a line of the CSV each. What a study does not have is None or absent; of nothing no picture
is yielded.
"""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from cxrlt_core.figures import style
from cxrlt_core.figures.picture import Picture, Section
from cxrlt_core.results.study import Results

__all__ = ["Picture", "Section", "draw_figures", "figures"]


class Figure(Protocol):
    """What the module of a figure offers."""

    def show(self, results: Results) -> Iterator[Picture]:
        """Draw what there is of the figure."""
        ...


def figures() -> list[str]:
    """Return the names of all figures."""
    return sorted(module.name for module in iter_modules(__path__) if module.name not in ("picture", "style"))


def draw_figures(results: Results) -> list[Picture]:
    """Draw the figures of a study, in the order of the report; what it has nothing of is not drawn."""
    modules: list[Figure] = [import_module(f"{__name__}.{name}") for name in figures()]
    with style.applied():
        pictures = [picture for module in modules for picture in module.show(results)]
    sections = list(Section)
    return sorted(pictures, key=lambda picture: (sections.index(picture.section), picture.position))
