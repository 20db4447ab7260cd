"""What a run shows, step by step: which images, how transformed, mixed with which.

All of it follows from the seed and the epoch, the same on every rank. A run can go on from any step:
the draws before it are made again, which costs microseconds a step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np

from cxrlt_core.batches.transforms import Transforms, draw_transforms
from cxrlt_core.designs.mixup import Mixing, draw_mixing
from cxrlt_core.params.training import Augment, Mixup
from cxrlt_core.system.distributed import Ranks


@dataclass(frozen=True)
class Draw:
    """One step as a rank sees it.

    Attributes:
        batch: positions of the images of all ranks, int64 (B,).
        own: which of the batch this rank trains on, int64 (b,).
        shown: which of the batch it needs: its own, then the partners that others own; int64 (s,).
        shown_by: the same of every rank.
        transforms: of the images shown.
        mixing: of the batch; None without MixUp.
    """

    batch: np.ndarray
    own: np.ndarray
    shown: np.ndarray
    shown_by: tuple[np.ndarray, ...]
    transforms: Transforms
    mixing: Mixing | None

    @property
    def partners(self) -> np.ndarray:
        """Where the partners of the own images stand among the images shown, int64 (b,)."""
        place = np.empty(len(self.batch), np.int64)
        place[self.shown] = np.arange(len(self.shown))
        return place[self.mixing.partner.numpy()[self.own]]


@dataclass(frozen=True)
class Plan:
    """All draws of a run."""

    images: int
    steps_per_epoch: int
    augment: Augment
    mixup: Mixup | None
    seed: int
    ranks: Ranks

    def draws(self, step: int) -> Iterator[tuple[np.ndarray, Draw]]:
        """Yield positions to gather and their draw, without end, from a step of the run onwards."""
        first, done = divmod(step, self.steps_per_epoch)
        for epoch in count(first):
            yield from islice(self._epoch(epoch), done if epoch == first else 0, None)

    def _epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, Draw]]:
        """Every image once, in random order, in batches whose sizes differ by at most one."""
        generator = np.random.default_rng([self.seed, epoch])
        for batch in np.array_split(generator.permutation(self.images), self.steps_per_epoch):
            draw = self._draw(batch, generator)
            yield batch[draw.shown], draw

    def _draw(self, batch: np.ndarray, generator: np.random.Generator) -> Draw:
        transforms = draw_transforms(len(batch), self.augment, generator)
        shares, mixing = self.ranks.shares(len(batch)), None
        shown_by = shares
        if self.mixup is not None:
            mixing = draw_mixing(len(batch), self.mixup.alpha, generator)
            partner = mixing.partner.numpy()
            shown_by = [np.concatenate([own, np.setdiff1d(partner[own], own)]) for own in shares]
        own, shown = shares[self.ranks.rank], shown_by[self.ranks.rank]
        return Draw(batch, own, shown, tuple(shown_by), transforms[shown], mixing)
