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
    elif type(found) is not type(stored) or not (found == stored or _near(found, stored, limit)):
        yield f"{place}: {found!r}, was {stored!r}"


def _near(found: Any, stored: Any, limit: float) -> bool:
    """Whether both are floats, and equal up to a limit."""
    return isinstance(found, float) and math.isclose(found, stored, rel_tol=limit, abs_tol=limit)
