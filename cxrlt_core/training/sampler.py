"""What a run shows, step by step: which images, how transformed, blended with which.

All of it follows from the seed and the epoch, the same on every rank. A run can go on from any step:
the batches before it are drawn again, which costs microseconds a step.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

import numpy as np

from cxrlt_core.batches.augment import Augment
from cxrlt_core.batches.transforms import Transforms, draw_transforms
from cxrlt_core.designs.hooks import Draw, Drawn, Order
from cxrlt_core.system.distributed import Ranks

NOTHING = Drawn()


@dataclass(frozen=True)
class BatchSpec:
    """One step as a rank sees it.

    Attributes:
        batch: positions of the images of all ranks, int64 (B,).
        own: which of the batch this rank trains on, int64 (b,).
        shown: which of the batch it needs: its own, then the partners that others own; int64 (s,).
        shown_by: the same of every rank.
        transforms: of the images shown.
        drawn: what a design drew for the whole batch.
    """

    batch: np.ndarray
    own: np.ndarray
    shown: np.ndarray
    shown_by: tuple[np.ndarray, ...]
    transforms: Transforms
    drawn: Drawn

    @property
    def partners(self) -> np.ndarray:
        """Where the partners of the own images stand among the images shown, int64 (b,)."""
        place = np.empty(len(self.batch), np.int64)
        place[self.shown] = np.arange(len(self.shown))
        return place[self.drawn.partner[self.own]]


@dataclass(frozen=True)
class BatchSampler:
    """All batches of a run.

    Attributes:
        images: N.
        steps_per_epoch: batches that N images are cut into.
        augment: ranges of the transforms.
        order: the images of an epoch; None: each once, in random order.
        draw: what a design draws for a batch, after its transforms; None: nothing.
        seed: of all draws.
        ranks: the processes that share a batch.
    """

    images: int
    steps_per_epoch: int
    augment: Augment
    order: Order | None
    draw: Draw | None
    seed: int
    ranks: Ranks

    def batches(self, step: int) -> Iterator[tuple[np.ndarray, BatchSpec]]:
        """Yield positions to gather and their batch, without end, from a step of the run onwards."""
        first, done = divmod(step, self.steps_per_epoch)
        for epoch in count(first):
            yield from islice(self._epoch(epoch), done if epoch == first else 0, None)

    def _epoch(self, epoch: int) -> Iterator[tuple[np.ndarray, BatchSpec]]:
        """N images, in batches whose sizes differ by at most one."""
        generator = np.random.default_rng([self.seed, epoch])
        order = self.order(generator) if self.order else generator.permutation(self.images)
        for batch in np.array_split(order, self.steps_per_epoch):
            spec = self._spec(batch, generator)
            yield batch[spec.shown], spec

    def _spec(self, batch: np.ndarray, generator: np.random.Generator) -> BatchSpec:
        transforms = draw_transforms(len(batch), self.augment, generator)
        drawn = self.draw(batch, generator) if self.draw else NOTHING
        shares = shown_by = self.ranks.shares(len(batch))
        if drawn.partner is not None:
            shown_by = [np.concatenate([own, np.setdiff1d(drawn.partner[own], own)]) for own in shares]
        own, shown = shares[self.ranks.rank], shown_by[self.ranks.rank]
        return BatchSpec(batch, own, shown, tuple(shown_by), transforms[shown], drawn)
