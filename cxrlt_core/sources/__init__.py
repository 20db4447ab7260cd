"""Readers of the real data sets, each into the common label space.

A source is one module of its name in this package, which offers what :class:`Reader` says, and one
entry in ``data.sources``; docs/add-a-source.md walks through one.
"""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from cxrlt_core.sources.table import Harmonized, Options, summarise
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import existing

__all__ = ["Harmonized", "Options", "Reader", "find_reader", "read_source", "readers", "summarise"]


class Reader(Protocol):
    """What a reader module offers.

    Attributes:
        KNOWN: classes that the source labels, in label-space order.
        IMAGE_FOLDERS: glob patterns, relative to the source's images, of folders that paths start
            from; "" is the images folder itself.
    """

    KNOWN: tuple[str, ...]
    IMAGE_FOLDERS: tuple[str, ...]

    def read(self, labels: Path, options: Options) -> Harmonized:
        """Read the label files of the source."""
        ...


def readers() -> list[str]:
    """Return the names that ``data.sources`` may use."""
    return sorted(module.name for module in iter_modules(__path__) if module.name != "table")


def find_reader(name: str) -> Reader:
    """Return the reader module of a source; StudyError when there is none of that name."""
    if name not in readers():
        raise StudyError(f"data.sources.{name}: unknown source, expected {', '.join(readers())}")
    return import_module(f"{__name__}.{name}")


def read_source(name: str, labels: Path, options: Options) -> Harmonized:
    """Read the label files of a source into the common label space.

    Args:
        name: one of :func:`readers`.
        labels: label file, or the folder with the label files.
        options: official test list, policy for uncertain marks, views.

    Returns:
        The table with ``image_id`` (source and relative path), ``patient_id``, ``study_id``,
        ``view`` (PA, AP, LATERAL or OTHER), ``path`` (relative to the source's images), ``split``
        (train, dev, test or missing), then an int8 column per class: 1 positive, 0 negative,
        -1 unknown; and what was left out.

    Raises:
        StudyError: an unknown source, a missing file, or a bad file, row or value.
    """
    reader = find_reader(name)
    for key, path in (("labels", labels), ("test_list", options.test_list)):
        if path is not None:
            _existing(f"data.sources.{name}.{key}", path)
    return reader.read(labels, options)


def _existing(key: str, path: Path) -> None:
    try:
        existing(path)
    except StudyError as error:
        raise StudyError(f"{key}: {error}") from None
