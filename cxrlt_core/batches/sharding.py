"""Images of a training run in the memory of the device; of several devices, each holds a share.

Every rank draws the same batches, so each knows without asking which rows the others need: they hand
them round in one collective a step, begun a step ahead.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from cxrlt_core.batches.images import Images, PackedImages
from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.system.device import free_memory, upload
from cxrlt_core.system.distributed import Ranks

SHARE = 0.5  # of the free memory that resident images may take


class Draw(Protocol):
    """What must be known of a batch; see :class:`cxrlt_core.training.sampler.BatchSpec`.

    Attributes:
        batch: positions of the images of all ranks, int64 (B,).
        shown_by: which of the batch each rank needs.
    """

    batch: np.ndarray
    shown_by: tuple[np.ndarray, ...]


class ShardedImages:
    """A set of which each rank holds its share in the memory of its device."""

    def __init__(self, images: PackedImages, ranks: Ranks) -> None:
        """Load this rank's share.

        Args:
            images: the whole set.
            ranks: those that draw the batches, too.
        """
        self.held = images.resident(ranks.device, ranks.share(len(images)))
        self._ranks = ranks
        self._ends = np.cumsum([len(share) for share in ranks.shares(len(images))])

    def __len__(self) -> int:
        """Return the number of images in the set, those of the other ranks included."""
        return int(self._ends[-1])

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self.held.size

    def batches(self, work: Iterable[tuple[np.ndarray, Draw]]) -> Generator[tuple[Tensor, Draw]]:
        """Yield batches; see :class:`cxrlt_core.batches.images.Images`.

        All ranks must ask for as many, and close after the same one: then each has begun the same
        exchanges, the one ahead included, and none is left waiting.
        """
        begun = (self._begin(draw) for _, draw in work)
        ahead = next(begun, None)
        try:
            while ahead is not None:
                now, ahead = ahead, next(begun, None)
                yield now.images(), now.draw
        finally:
            if ahead is not None:
                ahead.work.wait()

    def _begin(self, draw: Draw) -> "_Exchange":
        """Send what each rank is shown of this share; expect, by owner, what is shown here."""
        wanted = [draw.batch[shown] for shown in draw.shown_by]
        start = self._ends[self._ranks.rank] - len(self.held)
        sent = [p[(start <= p) & (p < start + len(self.held))] - start for p in wanted]
        owners = np.searchsorted(self._ends, wanted[self._ranks.rank], side="right")
        received = np.bincount(owners, minlength=self._ranks.size).tolist()
        rows = self.held.gather(np.concatenate(sent))
        room, work = self._ranks.exchange(rows, [len(part) for part in sent], received)
        order = np.argsort(np.argsort(owners, kind="stable"))  # the place of each image among the received
        return _Exchange(draw, room, upload(torch.from_numpy(order), room.device), work)


@dataclass(frozen=True)
class _Exchange:
    """Images on their way, by owner, and the place of each that is shown among them."""

    draw: Draw
    room: Tensor
    order: Tensor
    work: dist.Work

    def images(self) -> Tensor:
        """Images in the order shown; a GPU waits for them, not the processor."""
        self.work.wait()
        return self.room[self.order]


def place_images(images: PackedImages, policy: str, ranks: Ranks) -> Images:
    """Load a training set into the memory of the ranks' devices, each its share, or stream it.

    Args:
        images: packed images.
        policy: ``always`` loads, ``never`` streams, ``auto`` loads what fits into half of the free memory,
            on every rank.
        ranks: the processes that train together.
    """
    if policy == "auto":
        fits = _needed(images, ranks) <= SHARE * free_memory(ranks.device)
        policy = "never" if ranks.highest(not fits) else "always"
    if policy == "never":
        return StreamedImages(images, ranks.device)
    return images.resident(ranks.device) if ranks.size == 1 else ShardedImages(images, ranks)


def _needed(images: PackedImages, ranks: Ranks) -> int:
    """Bytes taken from the memory that a rank sees: GPUs have their own, on the CPU all share one."""
    held = len(ranks.shares(len(images))[0]) if ranks.device.type == "cuda" else len(images)
    return held * images.size**2
