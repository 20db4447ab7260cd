"""Markdown tables."""

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, a line a row; cells are text."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def percent(share: float | None) -> str:
    """One decimal, or a dash where undefined."""
    return "–" if share is None else f"{share:.1%}"


def counts_text(counts: dict[str, int]) -> str:
    """Return ``5 this, 3 that`` of what was counted, or ``none``."""
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "none"
