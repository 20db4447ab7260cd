"""JSON files between stages, read as typed records."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json
from cxrlt_core.system.records import from_json

Kind = TypeVar("Kind")


def read(kind: type[Kind], path: Path | str) -> Kind:
    """Read a JSON file that another stage has written.

    Raises:
        StudyError: when something in it is absent or of another kind.
    """
    try:
        return from_json(kind, read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise StudyError(f"{path}: {place}: {first['msg']}; expected what the stage writes") from None
