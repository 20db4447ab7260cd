"""What a step does to a batch: images and labels on the device, loss, gradients, new weights."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from cxrlt_core.batches.images import normalise
from cxrlt_core.batches.plan import Draw
from cxrlt_core.batches.transforms import apply_transforms
from cxrlt_core.designs.mixup import mix_images
from cxrlt_core.losses import mean_loss
from cxrlt_core.system.device import autocast, upload
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.ema import Ema
from cxrlt_core.training.objective import Labels, Objective
from cxrlt_core.training.schedule import Schedule, step_seed


@dataclass
class Step:
    """A step of one rank, called with its number; the same number and batch give the same update.

    Attributes:
        network: the model as it is called in training: on several ranks, compiled.
        optimiser: of the model's parameters.
        ema: average of the weights, if one is kept.
        objective: labels and loss of the training set.
        schedule: learning rates.
        pixels: mean and standard deviation of the pixels, 0 to 1.
        precision: of the network: ``auto``, ``bf16`` or ``fp32``.
        accumulate: parts that a rank's share of a batch passes the network in.
        clip: largest norm of the gradient; None leaves it as it is.
        seed: of dropout.
        ranks: the processes that train together.
    """

    network: nn.Module
    optimiser: Optimizer
    ema: Ema | None
    objective: Objective
    schedule: Schedule
    pixels: tuple[float, float]
    precision: str
    accumulate: int
    clip: float | None
    seed: int
    ranks: Ranks

    def __call__(self, number: int, images: Tensor, draw: Draw) -> Tensor:
        """Queue a step on the device; nothing here waits for it.

        Args:
            number: of the step, from 0.
            images: those that the draw shows, uint8 (s, 1, H, W).
            draw: the batch, its transforms and its mixing.

        Returns:
            This rank's share of the batch's loss, a float32 scalar on the device.
        """
        torch.manual_seed(step_seed(self.seed, number, self.ranks.rank))  # dropout
        images = prepare_images(images, draw, self.pixels, self.ranks.device)
        labels = self.objective.labels(draw, draw.own)
        one_part = self.ranks.size * self.accumulate == 1
        loss = self._backward(images, labels, None if one_part else self.objective.weight(draw))
        self._update(number)
        return loss

    def _backward(self, images: Tensor, labels: Labels, weight: Tensor | None) -> Tensor:
        """Add up the gradients of all parts of a batch; return this rank's share of the loss.

        Args:
            images: float32 (b, 1, H, W).
            labels: of b images.
            weight: sum of the label weights of the whole batch; None where this part is the whole.
        """
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=images.device)
        parts = zip(images.tensor_split(self.accumulate), labels.split(self.accumulate), strict=True)
        for number, (part, its) in enumerate(parts, start=1):
            with self.ranks.accumulating(self.network, last=number == self.accumulate):
                with autocast(part.device, self.precision):
                    logits = self.network(part)
                losses, its_weight = self.objective.sums(logits, its)
                loss = mean_loss(losses, its_weight if weight is None else weight)
                (loss * self.ranks.size).backward()  # the ranks' gradients are averaged, not summed
            total += loss.detach()
        return total

    def _update(self, number: int) -> None:
        """Move the weights along the gradients, and their average after them."""
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.learning_rate(number)
        self.optimiser.step()
        if self.ema is not None:
            self.ema.update(number)


def prepare_images(images: Tensor, draw: Draw, pixels: tuple[float, float], device: torch.device) -> Tensor:
    """Normalise, transform and mix on the device.

    Args:
        images: those that the draw shows, uint8 (s, 1, H, W).
        draw: their transforms and mixing.
        pixels: mean and standard deviation of the pixels, 0 to 1.
        device: to train on.

    Returns:
        The rank's own images, float32 (b, 1, H, W), channels last.
    """
    transforms = draw.transforms.to(device)
    images = images.to(device, non_blocking=True)
    images = apply_transforms(normalise(images, *pixels, transforms.gamma), transforms)
    if draw.mixing is not None:
        partners = images[upload(torch.from_numpy(draw.partners), device)]
        share = upload(draw.mixing.share[draw.own], device)
        images = mix_images(images[: len(draw.own)], partners, share)
    return images.contiguous(memory_format=torch.channels_last)
