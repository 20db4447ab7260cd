"""Training: one loop for every variant; the designs enter as arguments."""

import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from cxrlt_core.augment import apply_transforms, draw_transforms
from cxrlt_core.checkpoint import Checkpoint
from cxrlt_core.device import autocast
from cxrlt_core.errors import StudyError
from cxrlt_core.images import PackedImages, ResidentImages, normalise
from cxrlt_core.loss import masked_bce, mean_loss
from cxrlt_core.mixup import draw_mixing, mix_images, mixup_loss
from cxrlt_core.params import Mixup, Train
from cxrlt_core.progress import progress


class Trainer:
    """Trains one model on one set, epoch by epoch; every epoch draws from a generator of its own."""

    def __init__(
        self,
        model: nn.Module,
        images: PackedImages | ResidentImages,
        targets: np.ndarray,
        class_weights: np.ndarray,
        pixels: tuple[float, float],
        settings: Train,
        mixup: Mixup | None,
        seed: int,
        device: torch.device,
    ) -> None:
        """Prepare a run.

        Args:
            model: from :func:`cxrlt_core.model.new_model`.
            images: N images.
            targets: 1, 0 or -1; int8 (N, C).
            class_weights: float (C,).
            pixels: mean and standard deviation of the pixels, 0 to 1.
            settings: optimisation.
            mixup: None trains without MixUp.
            seed: of order, transforms, mixing and dropout.
            device: to train on.
        """
        self.model = model.to(device, memory_format=torch.channels_last)
        self.images, self.pixels, self.device = images, pixels, device
        self.targets = torch.from_numpy(targets).to(device)
        self.class_weights = torch.from_numpy(class_weights.astype(np.float32)).to(device)
        self.settings, self.mixup, self.seed = settings, mixup, seed
        self.steps_per_epoch = _steps(len(targets), settings.batch_size)
        self.optimiser = torch.optim.AdamW(
            _parameter_groups(model, settings.weight_decay), lr=settings.learning_rate, fused=True
        )
        self.history: list[dict[str, float]] = []
        self.seconds = 0.0

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.settings.epochs * self.steps_per_epoch

    def run(self, checkpoint: Checkpoint) -> list[dict[str, float]]:
        """Train from the last finished epoch to the end.

        Returns:
            One entry an epoch: ``epoch`` (from 1), mean ``loss``, last ``learning_rate``.

        Raises:
            StudyError: when the loss is no longer a finite number.
        """
        self._resume(checkpoint.load())
        for epoch in range(len(self.history), self.settings.epochs):
            start = time.perf_counter()
            loss = self._epoch(epoch)
            self.seconds += time.perf_counter() - start
            if not math.isfinite(loss):
                raise StudyError(
                    f"training diverged: the loss is {loss} in epoch {epoch + 1} of {self.settings.epochs};"
                    f" try a train.learning_rate below {self.settings.learning_rate:g}"
                )
            rate = self.optimiser.param_groups[0]["lr"]
            self.history.append({"epoch": epoch + 1, "loss": loss, "learning_rate": rate})
            checkpoint.save(self._state())
        return self.history

    def _epoch(self, epoch: int) -> float:
        self.model.train()
        torch.manual_seed(self.seed * 100_003 + epoch)  # dropout
        generator = np.random.default_rng([self.seed, epoch])
        total = torch.zeros((), device=self.device)
        step = epoch * self.steps_per_epoch
        batches = list(_batches(len(self.targets), self.steps_per_epoch, generator))
        for positions in progress(batches, unit="step", description=f"epoch {epoch + 1}"):
            for group in self.optimiser.param_groups:
                group["lr"] = learning_rate(step, self.steps, self.settings)
            total += self._step(positions, generator)
            step += 1
        return float(total) / self.steps_per_epoch

    def _step(self, positions: np.ndarray, generator: np.random.Generator) -> Tensor:
        images = self.images.gather(positions).to(self.device, non_blocking=True)
        targets = self.targets[torch.from_numpy(positions).to(self.device)]
        transforms = draw_transforms(len(positions), self.settings.augment, generator)
        images = apply_transforms(normalise(images, *self.pixels), transforms)
        mixing = None
        if self.mixup is not None:
            mixing = draw_mixing(len(positions), self.mixup.alpha, generator)
            images = mix_images(images, mixing)
        with autocast(self.device, self.settings.precision):
            logits = self.model(images.contiguous(memory_format=torch.channels_last))
        if mixing is None:
            loss = mean_loss(*masked_bce(logits, targets, self.class_weights))
        else:
            loss = mixup_loss(logits, targets, self.class_weights, mixing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def _state(self) -> dict:
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": self.history,
            "seconds": self.seconds,
        }

    def _resume(self, state: dict | None) -> None:
        if state is not None:
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.history, self.seconds = state["history"], state["seconds"]


def learning_rate(step: int, steps: int, settings: Train) -> float:
    """Linear warm-up, then half a cosine down to zero at the end of the run."""
    warmup = max(1, round(settings.warmup * steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    progressed = (step - warmup) / max(1, steps - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * progressed))


def _steps(n: int, batch_size: int) -> int:
    """Batches an epoch: as few as the batch size allows, but none of a single image.

    One image has no partner for MixUp and no spread for batch normalisation.
    """
    if n < 2:
        raise StudyError(f"the training set holds {n} image(s), expected at least 2")
    return min(math.ceil(n / batch_size), n // 2)


def _batches(n: int, steps: int, generator: np.random.Generator) -> Iterator[np.ndarray]:
    """Every image once, in random order, in batches whose sizes differ by at most one."""
    yield from np.array_split(generator.permutation(n), steps)


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Decay matrices and kernels; leave biases and normalisation layers alone."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
