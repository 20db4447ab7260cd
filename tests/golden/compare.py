"""Values against those that are stored: bit by bit where the machine is of the same kind, else nearly."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("values.json")


def differences(found: Any, stored: Any, limit: float, place: str = "") -> Iterator[str]:
    """Say where two contents differ by more than a limit, relative or next to 0; 0 asks for the same bits."""
    if isinstance(found, dict) and isinstance(stored, dict) and found.keys() == stored.keys():
        for key in stored:
            yield from differences(found[key], stored[key], limit, f"{place}/{key}")
    elif isinstance(found, list) and isinstance(stored, list) and len(found) == len(stored):
        for number, pair in enumerate(zip(found, stored, strict=True)):
            yield from differences(*pair, limit, f"{place}/{number}")
    elif not (same(found, stored) or (both_real(found, stored) and near(found, stored, limit))):
        yield f"{place}: {found!r}, was {stored!r}"


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same bits."""
    return type(one) is type(other) and one == other


def both_real(*values: Any) -> bool:
    """Whether all are floats."""
    return all(isinstance(value, float) for value in values)


def near(one: float, other: float, limit: float) -> bool:
    """Whether two floats are equal up to a limit."""
    return limit > 0 and math.isclose(one, other, rel_tol=limit, abs_tol=limit)
