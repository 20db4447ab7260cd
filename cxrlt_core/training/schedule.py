"""The length of a run in steps, and the learning rate of each."""

import math
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from cxrlt_core.params.training import Train
from cxrlt_core.system.errors import StudyError


@dataclass(frozen=True)
class Schedule:
    """Steps of a run, counted from 0."""

    steps_per_epoch: int
    steps: int  # of the whole run
    peak: float  # learning rate
    warmup: float  # share of the steps

    @property
    def passes(self) -> float:
        """Times that the run shows each image, on average."""
        return self.steps / self.steps_per_epoch

    @property
    def epochs(self) -> int:
        """Epochs of the run; the last one may be cut short."""
        return math.ceil(self.steps / self.steps_per_epoch)

    def epoch(self, step: int) -> int:
        """Epoch of a step, counted from 0."""
        return step // self.steps_per_epoch

    def end(self, step: int) -> int:
        """The step before which the epoch of a step is over, or the run."""
        return min(self.steps, (self.epoch(step) + 1) * self.steps_per_epoch)

    def learning_rate(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to zero at the end of the run."""
        warmup = max(1, round(self.warmup * self.steps))
        if step < warmup:
            return self.peak * (step + 1) / warmup
        progressed = (step - warmup) / max(1, self.steps - warmup)
        return self.peak * 0.5 * (1 + math.cos(math.pi * progressed))


def build_schedule(n: int, settings: Train, parts: int) -> Schedule:
    """Plan a run over n images whose batches are cut into parts; see :func:`steps_per_epoch`."""
    epoch = steps_per_epoch(n, settings.batch_size, parts)
    steps = settings.steps or settings.epochs * epoch
    return Schedule(epoch, steps, settings.learning_rate, settings.warmup)


def steps_per_epoch(n: int, batch_size: int, parts: int = 1) -> int:
    """Batches an epoch: as few as the batch size allows, but no part of one with a single image.

    One image has no partner for MixUp and no spread for batch normalisation.

    Args:
        n: images.
        batch_size: images a step.
        parts: that each batch is cut into: processes × ``train.accumulate``.

    Raises:
        StudyError: when the images, or a batch, are too few for the parts.
    """
    if n < 2 * parts:
        needed = f"expected at least {2 * parts}" + (f" for {parts} parts a batch" if parts > 1 else "")
        raise StudyError(f"the training set holds {n} image(s), {needed}")
    if batch_size < 2 * parts:
        raise StudyError(
            f"train.batch_size: {batch_size} images cannot be cut into {parts} parts (processes ×"
            f" train.accumulate) of two or more; expected at least {2 * parts}"
        )
    return min(math.ceil(n / batch_size), n // (2 * parts))


def stream_seed(variant: str, seed: int) -> int:
    """Seed of all that is random in a training: no two variants share a stream, nor two seeds of one."""
    return int.from_bytes(blake2b(f"{variant}/{seed}".encode(), digest_size=4).digest()) >> 1


def step_seed(seed: int, step: int, rank: int) -> int:
    """Seed of the dropout of one step of one process, so that a run can go on from any step."""
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0] >> 1)
