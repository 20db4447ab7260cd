"""Readers of the real data sets, each into the label space of the study.

A reader is a module of its name in this package, with the attributes of :class:`Reader`; a source names it in
its entry in ``data.sources``, or is called like it; see docs/add-a-source.md.
"""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Protocol

from cxrlt_core.labels import classes_in
from cxrlt_core.people import without_people
from cxrlt_core.sources.label_table import Harmonized, Options, check_classes
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Section

SHARED = ("label_file", "label_table", "mapping")  # by all readers
WITH_TEST_LIST = "nih"

__all__ = ["Harmonized", "Options", "Reader", "find_reader", "read_source", "readers", "settings_of"]


class Reader(Protocol):
    """Interface of a reader module.

    One with keys of its own in an entry of ``data.sources`` has a class ``Settings`` of them, too, each with
    the value that it has where the entry does not state it.
    """

    # glob patterns of the folders from which image paths start, relative to the source's ``images``; "" is it
    IMAGE_FOLDERS: tuple[str, ...]

    def read(self, labels: Path, options: Options) -> Harmonized:
        """Read the label files of the source, its ids as they are there."""


def readers() -> list[str]:
    """Return the names of all readers."""
    return sorted(module.name for module in iter_modules(__path__) if module.name not in SHARED)


def find_reader(name: str) -> Reader:
    """Return a reader module; StudyError if there is none of that name."""
    if name not in readers():
        raise StudyError(f"data.sources: no reader {name!r}, expected {', '.join(readers())}")
    return import_module(f"{__name__}.{name}")


def settings_of(name: str) -> type[Section]:
    """Return the class of the keys that a reader alone has; StudyError if there is none of that name."""
    return getattr(find_reader(name), "Settings", Section)


def read_source(
    source: str, labels: Path, options: Options, reader: str | None = None, key: str | None = None
) -> Harmonized:
    """Read the label files of a source, a file or the folder with them, into the label space of the study.

    ``reader`` is the source's name if absent, and ``key`` where params.yaml has the source. The table has
    ``image_id`` (source and relative path), ``patient_id`` and ``study_id`` (with the source before them),
    ``view`` (PA, AP, LATERAL or OTHER), ``path`` (relative to the source's images), ``split`` (train, dev,
    test or missing), ``sex`` and ``age`` as :mod:`cxrlt_core.people` has them where the source tells them,
    then an int8 column per class of the space: 1 positive, 0 negative, -1 unknown.
    StudyError: an unknown reader, a missing file, a bad file, row or value, or a reader that gives labels of
    no class.
    """
    name, key = reader or source, key or f"data.sources.{source}"
    module = find_reader(name)
    for what, path in (("labels", labels), ("test_list", options.test_list)):
        if path is not None and not path.exists():
            raise StudyError(f"{key}.{what}: {path}: no such file or folder")
    if options.test_list is not None and name != WITH_TEST_LIST:
        only = f"only {WITH_TEST_LIST} has one, found {options.test_list}"
        raise StudyError(f"{key}.test_list: {only}")
    harmonized = module.read(labels, replace(options, own=settings_of(name).model_validate(options.own)))
    table = harmonized.table
    check_classes(name, classes_in(without_people(table)), options.space)
    ids = {column: f"{source}/" + table[column] for column in ("image_id", "patient_id", "study_id")}
    return replace(harmonized, table=table.assign(**ids))
