"""Training images in device memory; with several devices, each holds a shard.

Every rank draws the same batches, so each knows without asking which images the others need: they are
exchanged in one collective operation per step, begun one step ahead.
"""

from collections.abc import Generator, Iterable
from typing import Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from cxrlt_core.batches.images import Images, PackedImages
from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.system.device import free_memory, upload
from cxrlt_core.system.distributed import Ranks

SHARE = 0.5  # of the free memory, for resident images


class RankedBatch(Protocol):
    """What must be known of a batch; see :mod:`cxrlt_core.training.sampler`."""

    batch: np.ndarray  # positions of the images of all ranks, int64 (B,)
    shown_by: tuple[np.ndarray, ...]  # indices into the batch of the images that each rank needs


class ShardedImages:
    """A set whose images are divided among the ranks, each holding its shard on its device."""

    def __init__(self, images: PackedImages, ranks: Ranks) -> None:
        self.shard = images.resident(ranks.device, ranks.share(len(images)))
        self._ranks = ranks
        self._ends = np.cumsum([len(share) for share in ranks.shares(len(images))])

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self.shard.size

    def batches(
        self, work: Iterable[tuple[np.ndarray, RankedBatch]]
    ) -> Generator[tuple[Tensor, RankedBatch]]:
        """Yield batches; see :class:`cxrlt_core.batches.images.Images`.

        All ranks must ask for the same number of batches and close after the same one: then each has begun
        the same exchanges, the one ahead included, and none is left waiting.
        """
        exchanges = ((spec, *self._exchange(spec)) for _, spec in work)
        ahead = next(exchanges, None)
        try:
            while ahead is not None:
                (spec, received, order, handle), ahead = ahead, next(exchanges, None)
                handle.wait()  # the GPU waits, not the processor
                yield received[order], spec
        finally:
            if ahead is not None:
                ahead[-1].wait()

    def _exchange(self, spec: RankedBatch) -> tuple[Tensor, Tensor, dist.Work]:
        """Begin to send the images that each rank needs of this shard.

        Returns what receives those that this rank needs, by owner; their order in the batch; and a handle.
        """
        wanted = [spec.batch[shown] for shown in spec.shown_by]
        start = self._ends[self._ranks.rank] - len(self.shard)
        sent = [p[(start <= p) & (p < start + len(self.shard))] - start for p in wanted]
        owners = np.searchsorted(self._ends, wanted[self._ranks.rank], side="right")
        counts = np.bincount(owners, minlength=self._ranks.size).tolist()
        images = self.shard.gather(np.concatenate(sent))
        received, handle = self._ranks.exchange(images, [len(part) for part in sent], counts)
        order = np.argsort(np.argsort(owners, kind="stable"))  # the rank of each image among the received
        return received, upload(torch.from_numpy(order), received.device), handle


def place_images(images: PackedImages, policy: str, ranks: Ranks) -> Images:
    """Load a training set into the memory of the ranks' devices, a shard each, or stream it.

    ``always`` loads, ``never`` streams, ``auto`` loads if half of the free memory suffices on every rank.
    """
    if policy == "auto":
        fits = _needed(images, ranks) <= SHARE * free_memory(ranks.device)
        policy = "never" if ranks.highest(not fits) else "always"
    if policy == "never":
        return StreamedImages(images, ranks.device)
    return images.resident(ranks.device) if ranks.size == 1 else ShardedImages(images, ranks)


def _needed(images: PackedImages, ranks: Ranks) -> int:
    """Bytes needed of the memory that a rank sees: each GPU has its own, CPU processes share one."""
    resident = len(ranks.shares(len(images))[0]) if ranks.device.type == "cuda" else len(images)
    return resident * images.size**2
