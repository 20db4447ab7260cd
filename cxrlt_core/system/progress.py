"""A progress bar that is quiet when nobody watches."""

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(work: Iterable[Any] | int, unit: str, description: str) -> tqdm:
    """Return a bar on stderr with rate and time left; it is off when stderr is not a terminal.

    Args:
        work: what to iterate over, or how many units there are: then use the bar in a ``with``
            block and advance it by ``update(count)``.
        unit: what is counted.
        description: what is being done.
    """
    amount = {"total": work} if isinstance(work, int) else {"iterable": work}
    return tqdm(**amount, unit=f" {unit}", desc=description, disable=None, dynamic_ncols=True)
