"""Several processes that train as one (torchrun, DistributedDataParallel): the few collectives of a run.

Every process draws the same batches and takes its share of each; so the images, their order and their
transforms are those of a single process, whatever the number of processes.
"""

import gc
import os
import signal
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from cxrlt_core.system.errors import LOST, Stopped, StudyError, reason

SECONDS_AFTER = 1.0  # torchrun looks ten times a second
#: How gloo and NCCL say that another process has ended.
ENDED = ("by peer", "Broken pipe", "remote process exited", "imed out", "imeout")


@dataclass(frozen=True)
class Ranks:
    """The number of this process among all; a process alone is rank 0 of 1, and every method is free."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0

    def shares(self, n: int) -> list[np.ndarray]:
        """Positions of each rank among n; shares are contiguous and their sizes differ by at most one."""
        return np.array_split(np.arange(n), self.size)

    def share(self, n: int) -> np.ndarray:
        """Positions of this rank among n."""
        return self.shares(n)[self.rank]

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all ranks."""
        if self.size > 1:
            values = values.clone()
            dist.all_reduce(values)
        return values

    def highest(self, value: int) -> int:
        """Largest value of any rank; waits for the device if there are several ranks."""
        if self.size == 1:
            return value
        values = torch.tensor(value, device=self.device)
        dist.all_reduce(values, dist.ReduceOp.MAX)
        return int(values)

    def collect(self, rows: Tensor, n: int) -> Tensor:
        """Rows (n, …) of all shares, in order, on every rank, from the rows of :meth:`share`."""
        if self.size == 1:
            return rows
        longest = -(-n // self.size)
        padded = rows.new_zeros((longest, *rows.shape[1:]))
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in range(self.size)]
        dist.all_gather(parts, padded)
        shares = self.shares(n)
        return torch.cat([part[: len(share)] for part, share in zip(parts, shares, strict=True)])

    def exchange(self, rows: Tensor, sent: list[int], received: list[int]) -> tuple[Tensor, dist.Work]:
        """Begin to hand rows round: those for rank 0, then for rank 1, …, as many as ``sent`` says for each.

        Returns room for those from rank 0, then from rank 1, …, filled once the work is waited for.
        """
        room = rows.new_empty((sum(received), *rows.shape[1:]))
        return room, dist.all_to_all_single(room, rows, received, sent, async_op=True)

    @contextmanager
    def main_first(self) -> Generator[None]:
        """Run the block on rank 0, then on the others."""
        if not self.is_main:
            self.highest(0)
        yield
        if self.is_main:
            self.highest(0)

    def wrap(self, model: nn.Module, example: Tensor, sync_batchnorm: bool) -> nn.Module:
        """Average the gradients of a model, on its device and the same on every rank, over the ranks.

        What the ``example`` images, float32 (B, 1, H, W), do not reach is not trained. ``sync_batchnorm``
        takes batch statistics over all ranks, and changes layers; StudyError where the device cannot.
        """
        if self.size == 1:
            return model
        if sync_batchnorm:
            if self.device.type != "cuda":
                raise StudyError("train.sync_batchnorm: needs GPUs; expected false")
            from timm.layers import convert_sync_batchnorm  # a second of CPU, so only here

            convert_sync_batchnorm(model)
        _freeze_unused(model, example)
        devices = [self.device] if self.device.type == "cuda" else None
        # Rank 0's running statistics are the ones that are saved: no need to send them round.
        return DistributedDataParallel(
            model, device_ids=devices, broadcast_buffers=False, gradient_as_bucket_view=True
        )

    def accumulating(self, network: nn.Module, last: bool) -> AbstractContextManager:
        """Keep gradients at home until the last part of a batch."""
        return nullcontext() if self.size == 1 or last else network.no_sync()


def _freeze_unused(model: nn.Module, example: Tensor) -> None:
    """Parameters without a gradient, such as a pooling that is passed by, would keep the ranks waiting."""
    model.eval()(example).sum().backward()
    for parameter in model.parameters():
        parameter.requires_grad_(parameter.grad is not None)
        parameter.grad = None


def _lost(error: RuntimeError) -> Stopped | StudyError:
    """Return what to raise when the processes cannot work together any more.

    Where another one has ended, wait, so that it is seen to have ended first, or for torchrun's SIGTERM.
    """
    if not any(words in str(error) for words in ENDED):
        return StudyError(f"the processes cannot work together: {reason(error)}")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # in silence: who started this process says it
    time.sleep(SECONDS_AFTER)
    return Stopped(LOST)


@contextmanager
def open_ranks(device: torch.device) -> Generator[Ranks]:
    """Join the processes that torchrun has started, NCCL on GPUs and gloo on CPUs; leave them at the end.

    What uses the ranks, a wrapped model above all, must be out of use by then: if a model is the last to
    let go of the processes' group, it waits, holding Python's lock, for a thread that may need the lock.
    Stopped, with code LOST, when another process has ended; StudyError when they cannot work together.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":  # torchrun sets it
        yield Ranks(device)
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Ranks(device, dist.get_rank(), dist.get_world_size())
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "gloo" not in str(error):  # gloo has no error of its own
            raise
        raise _lost(error) from None
    finally:
        gc.collect()  # models refer to themselves
        dist.destroy_process_group()
