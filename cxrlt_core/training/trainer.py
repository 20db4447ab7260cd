"""Training: one loop for every variant; the designs enter as arguments."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from threading import Event

import numpy as np
import torch
from torch import Tensor, nn

from cxrlt_core.batches.images import Images, normalise
from cxrlt_core.batches.plan import Draw, Plan
from cxrlt_core.batches.transforms import apply_transforms
from cxrlt_core.designs.mixup import mix_images, mixup_loss
from cxrlt_core.labels import UNKNOWN
from cxrlt_core.losses import Loss, mean_loss
from cxrlt_core.params.training import Mixup, Train
from cxrlt_core.system.device import autocast, compiled, explain_out_of_memory, peak_memory, upload
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.progress import progress
from cxrlt_core.training.checkpoint import Checkpoint, termination
from cxrlt_core.training.ema import Ema
from cxrlt_core.training.resume import check_state
from cxrlt_core.training.schedule import learning_rate, step_seed, steps_per_epoch

READ_LOSS_EVERY = 50  # steps; each reading waits for the device
ASK_RANKS_EVERY = 10  # steps; whether one of them wants to save or leave
ADVICE = "lower train.batch_size or image.size, raise train.accumulate, or set train.precision: bf16 or \
train.resident: never"
SAVE, LEAVE = 1, 2


@dataclass(frozen=True)
class Labels:
    """Targets int8 (b, C); with MixUp those of the partners, and the share of the image itself (b,)."""

    targets: Tensor
    partners: Tensor | None = None
    share: Tensor | None = None

    def split(self, parts: int) -> list["Labels"]:
        """Cut along the images."""
        columns = [self.targets, self.partners, self.share]
        cut = [[None] * parts if c is None else c.tensor_split(parts) for c in columns]
        return [Labels(*part) for part in zip(*cut, strict=True)]


class Trainer:
    """Trains one model on one set; a run can be interrupted anywhere and ends with the same numbers."""

    def __init__(
        self,
        model: nn.Module,
        images: Images,
        targets: np.ndarray,
        class_weights: np.ndarray,
        loss: Loss,
        pixels: tuple[float, float],
        settings: Train,
        mixup: Mixup | None,
        seed: int,
        device: torch.device,
        ranks: Ranks | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            model: from :func:`cxrlt_core.model.classifier.new_model`.
            images: N images.
            targets: 1, 0 or -1; int8 (N, C).
            class_weights: float (C,).
            loss: from :func:`cxrlt_core.losses.build_loss`.
            pixels: mean and standard deviation of the pixels, 0 to 1.
            settings: optimisation.
            mixup: None trains without MixUp.
            seed: of order, transforms, mixing and dropout.
            device: to train on.
            ranks: the processes that train together; this one alone if absent.
        """
        self.model = model.to(device, memory_format=torch.channels_last)
        self.images, self.pixels, self.device, self.loss = images, pixels, device, loss
        self.targets = torch.from_numpy(targets).to(device)
        self.class_weights = torch.from_numpy(class_weights.astype(np.float32)).to(device)
        self.settings, self.seed, self.ranks = settings, seed, ranks or Ranks(device=device)
        self.parts = self.ranks.size * settings.accumulate
        self.steps_per_epoch = steps_per_epoch(len(targets), settings.batch_size, self.parts)
        self.plan = Plan(len(targets), self.steps_per_epoch, settings.augment, mixup, seed, self.ranks)
        self.network = self._network()
        self.optimiser = torch.optim.AdamW(
            _parameter_groups(model, settings.weight_decay), lr=settings.learning_rate, fused=True
        )
        self.ema = Ema(model, settings.ema) if settings.ema else None
        self.step = 0
        self.losses = torch.zeros(self.steps_per_epoch, device=device)  # of the epoch, on this rank
        self.history: list[dict[str, float]] = []
        self.seconds = 0.0
        self.peak_memory = 0  # MiB

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.settings.steps or self.settings.epochs * self.steps_per_epoch

    @property
    def passes(self) -> float:
        """Times that the run shows each image, on average."""
        return self.steps / self.steps_per_epoch

    def run(self, checkpoint: Checkpoint) -> list[dict[str, float]]:
        """Train from where the checkpoint stands to the end; then the model holds the weights to save.

        Returns:
            One entry an epoch: ``epoch`` (from 1), mean ``loss``, last ``learning_rate``.

        Raises:
            StudyError: when the loss is no longer a finite number, or the device has too little memory.
            SystemExit: with code 143 after SIGTERM; the state is saved.
        """
        self._resume(checkpoint)
        with termination() as asked, explain_out_of_memory(ADVICE):
            self._clock = time.perf_counter()
            with closing(self.images.batches(self.plan.draws(self.step))) as batches:
                while self.step < self.steps:
                    self._epoch(batches, checkpoint, asked)
        if self.ema is not None:
            self.ema.copy_to_model()
        return self.history

    def _epoch(self, batches: Iterator[tuple[Tensor, Draw]], checkpoint: Checkpoint, asked: Event) -> None:
        """Train to the end of the epoch, or of the run."""
        self.model.train()
        epoch = self.step // self.steps_per_epoch
        end = min(self.steps, (epoch + 1) * self.steps_per_epoch)
        with progress(end - self.step if self.ranks.leads else 0, "step", f"epoch {epoch + 1}") as bar:
            for images, draw in islice(batches, end - self.step):
                self.train_step(images, draw)
                self.step += 1
                bar.update()
                if self.step < end:
                    self._look_up(checkpoint, asked)
        rate = learning_rate(self.step - 1, self.steps, self.settings)
        self.history.append({"epoch": epoch + 1, "loss": self._mean_loss(), "learning_rate": rate})
        self._save(checkpoint)
        if self.step < self.steps and self.ranks.highest(asked.is_set()):
            self._leave()

    def train_step(self, images: Tensor, draw: Draw) -> None:
        """Queue one step on the device; nothing here waits for it."""
        torch.manual_seed(step_seed(self.seed, self.step, self.ranks.rank))  # dropout
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.step, self.steps, self.settings)
        images, labels = self._prepare(images, draw), self._labels(draw, draw.own)
        self.optimiser.zero_grad(set_to_none=True)
        self.losses[self.step % self.steps_per_epoch] = self._backward(images, labels, self._weights(draw))
        if self.settings.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip)
        self.optimiser.step()
        if self.ema is not None:
            self.ema.update(self.step)

    def _prepare(self, images: Tensor, draw: Draw) -> Tensor:
        """Normalise, transform and mix; uint8 (s, 1, H, W) to float32 (b, 1, H, W)."""
        transforms = draw.transforms.to(self.device)
        images = images.to(self.device, non_blocking=True)
        images = apply_transforms(normalise(images, *self.pixels, transforms.gamma), transforms)
        if draw.mixing is not None:
            partners = images[self._upload(draw.partners)]
            share = self._upload(draw.mixing.share[draw.own])
            images = mix_images(images[: len(draw.own)], partners, share)
        return images.contiguous(memory_format=torch.channels_last)

    def _labels(self, draw: Draw, which: np.ndarray) -> Labels:
        """Labels of some of the batch."""
        targets = self.targets[self._upload(draw.batch[which])]
        if draw.mixing is None:
            return Labels(targets)
        partners = draw.batch[draw.mixing.partner.numpy()[which]]
        return Labels(targets, self.targets[self._upload(partners)], self._upload(draw.mixing.share[which]))

    def _weights(self, draw: Draw) -> Tensor | None:
        """Sum of the label weights of all parts of a batch, on all ranks; None where there is one part.

        It does not depend on the logits, and every rank has all targets.
        """
        if self.parts == 1:
            return None
        labels = self._labels(draw, np.arange(len(draw.batch)))
        return self._sums(torch.zeros(labels.targets.shape, device=self.device), labels)[1]

    def _backward(self, images: Tensor, labels: Labels, weights: Tensor | None) -> Tensor:
        """Add up the gradients of all parts of a batch; return this rank's share of the loss."""
        parts = self.settings.accumulate
        total = torch.zeros((), device=self.device)
        for number, (part, its) in enumerate(
            zip(images.tensor_split(parts), labels.split(parts), strict=True), start=1
        ):
            with self.ranks.accumulating(self.network, last=number == parts):
                with autocast(self.device, self.settings.precision):
                    logits = self.network(part)
                losses, part_weights = self._sums(logits, its)
                loss = mean_loss(losses, part_weights if weights is None else weights)
                (loss * self.ranks.size).backward()  # the ranks' gradients are averaged, not summed
            total += loss.detach()
        return total

    def _sums(self, logits: Tensor, labels: Labels) -> tuple[Tensor, Tensor]:
        if labels.share is None:
            return self.loss(logits, labels.targets, self.class_weights)
        return mixup_loss(
            self.loss, logits, labels.targets, labels.partners, self.class_weights, labels.share
        )

    def _look_up(self, checkpoint: Checkpoint, asked: Event) -> None:
        """Between two steps: stop on a bad loss, save when it is time, leave when asked to."""
        if self.step % READ_LOSS_EVERY == 0:
            self._mean_loss()
        if self.ranks.size > 1 and self.step % ASK_RANKS_EVERY:
            return
        due = checkpoint.age > 60 * self.settings.checkpoint_minutes
        wish = self.ranks.highest(LEAVE if asked.is_set() else SAVE if due else 0)
        if wish:
            self._save(checkpoint)
        if wish == LEAVE:
            self._leave()

    def _leave(self) -> None:
        if self.ranks.leads:
            print(
                f"stopped by SIGTERM after step {self.step} of {self.steps}; the next run goes on from there"
            )
        raise SystemExit(143)

    def _mean_loss(self) -> float:
        """Mean loss of the epoch so far.

        Raises:
            StudyError: when a loss is not a finite number.
        """
        start = (self.step - 1) // self.steps_per_epoch * self.steps_per_epoch
        losses = self.ranks.sum(self.losses[: self.step - start]).double().cpu()
        bad = (~losses.isfinite()).nonzero()
        if len(bad):
            self._diverged(start + int(bad[0]), f"the loss is {losses[bad[0]].item()}")
        return float(losses.mean())

    def _diverged(self, step: int, what: str) -> None:
        rate = learning_rate(step, self.steps, self.settings)
        raise StudyError(
            f"training diverged: {what} in epoch {step // self.steps_per_epoch + 1}, step {step + 1} of"
            f" {self.steps}, at learning rate {rate:.3g}; try a train.learning_rate below"
            f" {self.settings.learning_rate:g} or train.clip: 1"
        )

    def _save(self, checkpoint: Checkpoint) -> None:
        """Write the state, unless it is beyond use."""
        self._mean_loss()
        norms = torch.stack(torch._foreach_norm(list(self.model.parameters())))
        if not bool(norms.isfinite().all()):
            self._diverged(self.step - 1, "the weights are not finite")
        now = time.perf_counter()
        self.seconds, self._clock = self.seconds + now - self._clock, now
        self.peak_memory = max(self.peak_memory, peak_memory(self.device))
        losses = self.ranks.sum(self.losses)
        if self.ranks.leads:
            checkpoint.save(self._state(losses))

    def _state(self, losses: Tensor) -> dict:
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict() if self.step < self.steps else None,  # done with
            "ema": None if self.ema is None else self.ema.averages,
            "step": self.step,
            "losses": losses,
            "history": self.history,
            "seconds": self.seconds,
            "peak_memory": self.peak_memory,
        }

    def _resume(self, checkpoint: Checkpoint) -> None:
        with self.ranks.leader_first():
            fresh = self._state(self.losses)
            state = checkpoint.load(lambda found: check_state(found, fresh, self.optimiser, self.steps))
        if state is None:
            return
        self.model.load_state_dict(state["model"])
        if state["optimiser"] is not None:
            self.optimiser.load_state_dict(state["optimiser"])
        if self.ema is not None:
            self.ema.load(state["ema"])
        if self.ranks.leads:  # the others add nothing to what is summed already
            self.losses.copy_(state["losses"])
        self.step, self.history = state["step"], state["history"]
        self.seconds, self.peak_memory = state["seconds"], state["peak_memory"]

    def _network(self) -> nn.Module:
        """The model as it is called in training: on several ranks, compiled."""
        size = self.images.size
        blank = torch.zeros(2, 1, size, size, device=self.device)
        network = self.ranks.wrap(self.model, blank, self.settings.sync_batchnorm)
        return compiled(network, self.device) if self.settings.compile else network

    def _upload(self, values: np.ndarray | Tensor) -> Tensor:
        return upload(torch.as_tensor(values), self.device)


def class_weights(
    weights: Mapping[str, float], classes: Sequence[str], targets: np.ndarray, report: bool = True
) -> np.ndarray:
    """Weight of each class in the loss; 0, and a printed line, where no training label is known.

    Args:
        weights: class to weight.
        classes: C names.
        targets: of the training set, int8 (N, C).
        report: print the line.

    Raises:
        StudyError: when no class has a known label.
    """
    known = (targets != UNKNOWN).any(axis=0)
    if not known.any():
        raise StudyError("the training set holds no known label")
    if report and not known.all():
        names = ", ".join(name for name, is_known in zip(classes, known, strict=True) if not is_known)
        print(f"no known training label, weight 0 in the loss: {names}")
    return np.array([weights[name] for name in classes]) * known


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Decay matrices and kernels; leave biases and normalisation layers alone."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
