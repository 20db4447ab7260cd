"""Typed records, and the plain values that JSON files hold of them."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.files import read_json
from cxrlt_core.system.rounding import or_none

Record = TypeVar("Record")
#: A number that may be NaN, which JSON has as null.
Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
#: A number that may be infinite, likewise.
Infinite = Annotated[float, BeforeValidator(lambda value: math.inf if value is None else value)]


def to_json(value: Any) -> Any:
    """Return data classes, at any depth, as plain values; None where a number is not finite."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    return or_none(value) if isinstance(value, float) else value


def from_json(kind: type[Record], content: Any) -> Record:
    """Return the record of a kind, a data class or a list of them; pydantic's ValidationError for another."""
    return TypeAdapter(kind).validate_python(content)


def read_record(kind: type[Record], path: Path | str) -> Record:
    """Read a JSON file of a record; StudyError when something in it is absent or of another kind."""
    try:
        return from_json(kind, read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        raise StudyError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
