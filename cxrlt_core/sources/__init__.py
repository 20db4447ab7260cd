"""Readers of the real data sets, each into the common label space.

A source is a module of that name in this package, with the attributes of :class:`Reader`, and an entry in
``data.sources``; see docs/add-a-source.md.
"""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from cxrlt_core.sources.table import TEXT, Harmonized, Options, check_classes
from cxrlt_core.system.errors import StudyError

SHARED = ("label_file", "table")  # by all readers

__all__ = ["Harmonized", "Options", "Reader", "find_reader", "read_source", "readers"]


class Reader(Protocol):
    """Interface of a reader module."""

    # glob patterns of the folders from which image paths start, relative to the source's ``images``; "" is it
    IMAGE_FOLDERS: tuple[str, ...]

    def read(self, labels: Path, options: Options) -> Harmonized:
        """Read the label files of the source."""


def readers() -> list[str]:
    """Return the valid names in ``data.sources``."""
    return sorted(module.name for module in iter_modules(__path__) if module.name not in SHARED)


def find_reader(name: str) -> Reader:
    """Return the reader module of a source; StudyError if there is none."""
    if name not in readers():
        raise StudyError(f"data.sources.{name}: unknown source, expected {', '.join(readers())}")
    return import_module(f"{__name__}.{name}")


def read_source(name: str, labels: Path, options: Options) -> Harmonized:
    """Read the label files of a source, a file or the folder with them, into the common label space.

    The table has ``image_id`` (source and relative path), ``patient_id``, ``study_id``, ``view`` (PA, AP,
    LATERAL or OTHER), ``path`` (relative to the source's images), ``split`` (train, dev, test or missing),
    then an int8 column per class: 1 positive, 0 negative, -1 unknown. StudyError: an unknown source, a
    missing file, a bad file, row or value, or a reader that gives labels of no class.
    """
    reader = find_reader(name)
    for key, path in (("labels", labels), ("test_list", options.test_list)):
        if path is not None and not path.exists():
            raise StudyError(f"data.sources.{name}.{key}: {path}: no such file or folder")
    harmonized = reader.read(labels, options)
    check_classes(name, [column for column in harmonized.table if column not in TEXT])
    return harmonized
