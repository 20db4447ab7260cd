"""Numbers as JSON wants them."""

import math


def or_none(value: float) -> float | None:
    """Return the number, or None when it is not finite."""
    return float(value) if math.isfinite(value) else None


def significant(value: float, digits: int) -> float | None:
    """Round to significant digits; None where undefined."""
    return or_none(float(f"{value:.{digits}g}"))


def rounded(value: float | None) -> float | None:
    """Round to four decimals; None where undefined."""
    return None if value is None else or_none(round(float(value), 4))
