"""Readers of the real data sets, each into the common label space.

A new source is one module with ``KNOWN`` (the classes it labels), ``IMAGE_FOLDERS`` and ``read``,
and one entry in :data:`READERS`.
"""

from pathlib import Path
from typing import Protocol

from cxrlt_core.errors import StudyError
from cxrlt_core.files import existing
from cxrlt_core.sources import chexpert, mimic, nih
from cxrlt_core.sources.table import Harmonized, summarise

__all__ = ["READERS", "Harmonized", "Reader", "image_folders", "read_source", "summarise"]


class Reader(Protocol):
    """What a reader module offers."""

    KNOWN: tuple[str, ...]
    IMAGE_FOLDERS: tuple[str, ...]

    def read(self, labels: Path, test_list: Path | None, uncertain: str) -> Harmonized:
        """Read the label files of the source."""
        ...


#: The sources that ``data.sources`` may name.
READERS: dict[str, Reader] = {"mimic": mimic, "nih": nih, "chexpert": chexpert}


def read_source(name: str, labels: Path, test_list: Path | None, uncertain: str) -> Harmonized:
    """Read the label files of a source into the common label space.

    Args:
        name: key of :data:`READERS`.
        labels: label file, or the folder with the label files.
        test_list: official list of test images; for ``nih`` only.
        uncertain: what CheXpert's -1 becomes: ``ignore``, ``zero`` or ``one``.

    Returns:
        The table with ``image_id`` (source and relative path), ``patient_id``, ``study_id``,
        ``view`` (PA, AP, LATERAL or OTHER), ``path`` (relative to the source's images), ``split``
        (train, dev, test or missing), then an int8 column per class: 1 positive, 0 negative,
        -1 unknown; and what was left out.

    Raises:
        StudyError: an unknown source, a missing file, or a bad file, row or value.
    """
    reader = _reader(name)
    for key, path in (("labels", labels), ("test_list", test_list)):
        if path is not None:
            _existing(f"data.sources.{name}.{key}", path)
    return reader.read(labels, test_list, uncertain)


def image_folders(name: str) -> tuple[str, ...]:
    """Return glob patterns, relative to the source's images, of folders that paths start from."""
    return _reader(name).IMAGE_FOLDERS


def _reader(name: str) -> Reader:
    if name not in READERS:
        raise StudyError(f"data.sources.{name}: unknown source, expected {', '.join(READERS)}")
    return READERS[name]


def _existing(key: str, path: Path) -> None:
    try:
        existing(path)
    except StudyError as error:
        raise StudyError(f"{key}: {error}") from None
