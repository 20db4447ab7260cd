"""What a training minimises: the loss of its labels, class-weighted, and with MixUp that of two images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.batches.plan import Draw
from cxrlt_core.designs.mixup import mixup_loss
from cxrlt_core.labels import UNKNOWN
from cxrlt_core.losses import Loss
from cxrlt_core.system.device import upload
from cxrlt_core.system.errors import StudyError


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


class Objective:
    """The loss of any batch of one training set; every rank has all targets."""

    def __init__(
        self, targets: np.ndarray, class_weights: np.ndarray, loss: Loss, device: torch.device
    ) -> None:
        """Upload the labels.

        Args:
            targets: of the training set: 1, 0 or -1; int8 (N, C).
            class_weights: float (C,).
            loss: from :func:`cxrlt_core.losses.build_loss`.
            device: to train on.
        """
        self._targets = torch.from_numpy(targets).to(device)
        self._class_weights = torch.from_numpy(class_weights.astype(np.float32)).to(device)
        self._loss = loss

    def labels(self, draw: Draw, which: np.ndarray) -> Labels:
        """Labels of some of a batch, int64 (b,)."""
        targets = self._at(draw.batch[which])
        if draw.mixing is None:
            return Labels(targets)
        partners = draw.batch[draw.mixing.partner.numpy()[which]]
        return Labels(targets, self._at(partners), upload(draw.mixing.share[which], targets.device))

    def sums(self, logits: Tensor, labels: Labels) -> tuple[Tensor, Tensor]:
        """Sum of the losses of float32 logits (b, C), and sum of the label weights; see ``Loss``."""
        if labels.share is None:
            return self._loss(logits, labels.targets, self._class_weights)
        return mixup_loss(
            self._loss, logits, labels.targets, labels.partners, self._class_weights, labels.share
        )

    def weight(self, draw: Draw) -> Tensor:
        """Sum of the label weights of a whole batch, on all ranks; it does not depend on the logits."""
        labels = self.labels(draw, np.arange(len(draw.batch)))
        return self.sums(torch.zeros(labels.targets.shape, device=labels.targets.device), labels)[1]

    def _at(self, positions: np.ndarray) -> Tensor:
        return self._targets[upload(torch.from_numpy(positions), self._targets.device)]


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
