"""Numbers and names as people read them; a dash where a number is undefined."""

from collections.abc import Mapping, Sequence


def number(value: float | None, digits: int = 4) -> str:
    """A number of some decimals."""
    return "–" if value is None else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = 4) -> str:
    """A number of some decimals with its sign."""
    return "–" if value is None else f"{value:+.{digits}f}"


def bounded(point: float | None, low: float | None, high: float | None) -> str:
    """A difference with its interval: ``+0.0100 [-0.0100, +0.0300]``."""
    return f"{signed(point)} [{signed(low)}, {signed(high)}]"


def within(point: float | None, low: float | None, high: float | None) -> str:
    """A number with its interval, where it has one: ``0.5000 [0.4000, 0.6000]``."""
    return number(point) if low is None else f"{number(point)} [{number(low)}, {number(high)}]"


def with_error(value: float | None, error: float | None) -> str:
    """Value ± standard error, each left out where undefined."""
    return number(value) if error is None else f"{number(value)} ± {number(error)}"


def p_value(value: float | None) -> str:
    """Three decimals of a p value."""
    return "–" if value is None else "<0.001" if value < 0.0005 else f"{value:.3f}"


def percent(share: float | None, digits: int = 1) -> str:
    """A share in percent."""
    return "–" if share is None else f"{share:.{digits}%}"


def duration(seconds: float) -> str:
    """Seconds as the largest fitting unit."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def counts(numbers: Mapping[str, int]) -> str:
    """What was counted: ``5 this, 3 that``, or ``none``."""
    return ", ".join(f"{number:,} {what}" for what, number in numbers.items() if number) or "none"


def sentence(names: Sequence[str], most: int = 4) -> str:
    """Name a few: ``a, b and c``, or ``a, b and 5 more``."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
