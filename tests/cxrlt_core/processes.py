"""Several gloo processes that run the same work, for the tests of what they do together."""

import gc
import os
import socket
from collections.abc import Callable
from multiprocessing import get_context

import torch

from cxrlt_core.system.distributed import open_ranks

CPU = torch.device("cpu")
FORK = get_context("fork")


def process(rank: int, size: int, port: int, work: Callable, results) -> None:
    gc.freeze()  # what the parent made is no garbage of ours: looking through it copies its memory
    environment = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "MASTER_PORT": port}
    os.environ.update({key: str(value) for key, value in environment.items()}, MASTER_ADDR="localhost")
    try:
        with open_ranks(CPU) as ranks:
            results.put((rank, work(ranks)))
    except BaseException as error:
        results.put((rank, error))


def begin(size: int, work: Callable) -> tuple[list, object]:
    """Start so many processes; return them and the queue of what each returns or raises."""
    import torch._dynamo  # DDP does: here it is loaded once, not by every process

    torch.set_num_threads(1)  # what a test set otherwise would let a fork wait for threads that it has not

    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    results = FORK.Queue()
    processes = [
        FORK.Process(target=process, args=(rank, size, port, work, results), daemon=True)
        for rank in range(size)
    ]
    for started in processes:
        started.start()
    return processes, results


def together(size: int, work: Callable) -> list:
    """Run ``work(ranks)`` in so many processes; return what each of them returns."""
    processes, results = begin(size, work)
    found = dict(results.get(timeout=300) for _ in processes)
    for ended in processes:
        ended.join(10)
        assert ended.exitcode == 0  # and none is left waiting
    for result in found.values():
        if isinstance(result, BaseException):
            raise result
    return [found[rank] for rank in range(size)]
