"""LDAM: rare labels are to be right by a margin. Cao et al. 2019, arXiv:1906.07413.

Each class is the paper's case of two classes, which are its positive and its negative labels: the margin of
n labels is C / n^¼, and C is such that the largest of all margins is ``margin``. The authors' code multiplies
logits by 30, which belongs to its last layer of normalised weights and features; there is no such layer here.

Cost: none.
Said to help: long tails of one label an image; CIFAR and iNaturalist in the paper.
Claimed: −0.004 balanced accuracy (MIMIC-CXR-LT, one label an image), arXiv:2208.13365; with deferred weights,
above BCE and ASL (CXR-LT 2026), arXiv:2603.02294.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import NEGATIVE, POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings
from cxrlt_core.losses.bce import bce
from cxrlt_core.system.settings import Positive, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class Settings(LossSettings):
    """How far the rarest label is to be on the right side."""

    margin: Positive = usual(0.5)  # the largest of all, in logits


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Count the labels, and return the loss with their margins."""
    return MarginBce(*margins(targets, settings.margin))


def margins(targets: np.ndarray, largest: float) -> tuple[np.ndarray, np.ndarray]:
    """Margins C / n^¼ of the positive and of the negative labels of each class, float32 (C,) each.

    Takes training labels, int8 (N, C), of which unknown ones do not count. Labels that there are none of have
    the margin of a single one.
    """
    counts = np.stack([(targets == label).sum(axis=0) for label in (POSITIVE, NEGATIVE)])
    unscaled = np.maximum(counts, 1) ** -0.25
    positive, negative = (largest * unscaled / unscaled.max()).astype(np.float32)
    return positive, negative


class MarginBce:
    """Binary cross-entropy of logits that are moved towards the wrong side by the margins of their labels."""

    def __init__(self, positive: np.ndarray, negative: np.ndarray) -> None:
        """Take the margins of positive and negative labels, float32 (C,) each."""
        import torch

        self.margins = torch.from_numpy(np.stack([positive, -negative]))

    def __call__(
        self, logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sum of weighted losses over the known labels, and the sum of their weights; see ``Loss``."""
        import torch

        self.margins = self.margins.to(logits.device)  # a copy, and a wait, at the first call only
        moved = logits - torch.where(targets == POSITIVE, *self.margins)
        return bce(moved, targets, class_weights, image_weights)
