"""Independent pieces of work on several threads of the processor."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply a function to each item, on as many threads as PyTorch has, of which each item takes one.

    NumPy sorts and adds on one thread, so two classes at a time are faster than one on two threads. No
    result depends on the number of threads. Not to be nested.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        return list(map(function, items))
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(function, items))
    finally:
        torch.set_num_threads(threads)
