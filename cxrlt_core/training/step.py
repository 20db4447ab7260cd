"""What a step does to a batch: images and labels on the device, loss, gradients, new weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cxrlt_core.batches.images import PixelStats, normalise
from cxrlt_core.batches.transforms import apply_transforms
from cxrlt_core.designs import hooks
from cxrlt_core.designs.hooks import Labels
from cxrlt_core.losses import mean_loss
from cxrlt_core.params.training import Train
from cxrlt_core.system.device import autocast, upload
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.average import Average
from cxrlt_core.training.objective import TrainingLabels
from cxrlt_core.training.sampler import BatchSpec
from cxrlt_core.training.schedule import Schedule, step_seed


@dataclass(frozen=True)
class Part:
    """A part of a batch that passes the network at once: images float32 (b, 1, H, W), and their labels."""

    images: Tensor
    labels: Labels


@dataclass(frozen=True)
class TrainStep:
    """A step of one rank, called with its number; the same number and batch give the same update.

    Attributes:
        network: the model as it is called in training: on several ranks, compiled.
        optimiser: of the model's parameters.
        average: of the weights, if one is kept.
        labels: of the training set, and what is minimised.
        inputs: what designs make of the images of a batch.
        step: how gradients become an update, if a design decides that.
        schedule: learning rates.
        pixels: of the training set.
        settings: precision, parts of a batch, largest norm of the gradient.
        seed: of dropout.
        ranks: the processes that train together.
    """

    network: nn.Module
    optimiser: Optimizer
    average: Average | None
    labels: TrainingLabels
    inputs: Sequence[hooks.Inputs]
    step: hooks.Step | None
    schedule: Schedule
    pixels: PixelStats
    settings: Train
    seed: int
    ranks: Ranks

    def __call__(self, number: int, images: Tensor, spec: BatchSpec) -> Tensor:
        """Queue a step on the device; nothing here waits for it.

        Args:
            number: of the step, from 0.
            images: those that the batch shows, uint8 (s, 1, H, W).
            spec: the batch, its transforms and what was drawn for it.

        Returns:
            This rank's share of the batch's loss, a float32 scalar on the device.
        """
        torch.manual_seed(step_seed(self.seed, number, self.ranks.rank))  # dropout
        parts = self._parts(images, spec)
        epoch = self.schedule.epoch(number)
        weights, whole = self.labels.weights(epoch), None
        if self.ranks.size * len(parts) > 1:
            whole = self.labels.total_weight(spec, epoch)

        def backward() -> Tensor:
            return self._backward(parts, weights, whole)

        def update() -> None:
            self._update(number)

        if self.step is not None:
            return self.step(list(self.network.parameters()), backward, update)
        loss = backward()
        update()
        return loss

    def _parts(self, images: Tensor, spec: BatchSpec) -> list[Part]:
        """Prepare the images of this rank and cut them, with their labels."""
        labels, count = self.labels.of(spec, spec.own), self.settings.accumulate
        images = self._prepare(images, spec, labels)
        return [Part(*part) for part in zip(images.tensor_split(count), labels.split(count), strict=True)]

    def _prepare(self, images: Tensor, spec: BatchSpec, labels: Labels) -> Tensor:
        """Normalise, transform and blend; uint8 (s, 1, H, W) to float32 (b, 1, H, W), channels last."""
        transforms = spec.transforms.to(self.ranks.device)
        images = images.to(self.ranks.device, non_blocking=True)
        images = apply_transforms(normalise(images, *self.pixels, transforms.gamma), transforms)
        if self.inputs:
            partners = None
            if spec.drawn.partner is not None:
                partners = images[upload(torch.from_numpy(spec.partners), images.device)]
            images = images[: len(spec.own)]
            for change in self.inputs:
                images = change(images, partners, labels.values)
        return images.contiguous(memory_format=torch.channels_last)

    def _backward(self, parts: Sequence[Part], class_weights: Tensor, whole: Tensor | None) -> Tensor:
        """Add up the gradients of all parts of a batch; return this rank's share of the loss.

        Args:
            parts: of this rank's share of the batch.
            class_weights: float32 (C,).
            whole: sum of the label weights of the whole batch; None where one part is the whole.
        """
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=class_weights.device)
        for number, part in enumerate(parts, start=1):
            with self.ranks.accumulating(self.network, last=number == len(parts)):
                with autocast(part.images.device, self.settings.precision):
                    forward = self.labels.forward
                    logits = forward(self.network, part.images) if forward else self.network(part.images)
                losses, weight = self.labels.objective(logits, part.labels, class_weights)
                loss = mean_loss(losses, weight if whole is None else whole)
                (loss * self.ranks.size).backward()  # the ranks' gradients are averaged, not summed
            total += loss.detach()
        return total

    def _update(self, number: int) -> None:
        """Move the weights along the gradients, and their average after them."""
        if self.settings.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.learning_rate(number) * group["factor"]
        self.optimiser.step()
        if self.average is not None:
            self.average.update(number)
