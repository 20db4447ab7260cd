"""Typed records, and the plain values that JSON files hold of them."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, TypeAdapter

from cxrlt_core.system.rounding import or_none

Record = TypeVar("Record")
#: A number that may be NaN, which JSON has as null.
Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]


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
