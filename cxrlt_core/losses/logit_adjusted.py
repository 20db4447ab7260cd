"""Logit adjustment: a rare class has to be told apart by more. Menon et al. 2021, arXiv:2007.07314.

The paper adds τ log π_y to the logit of each class of a softmax. A label is a softmax of two, positive and
negative, so its logit gets τ (log π − log (1 − π)), with π the share of positives among the known training
labels. Acts in training alone: predictions are the logits without it.

The paper's other way, to shift the logits of a trained model, is left out: it moves all scores of a class
alike, hence no average precision and no AUROC.

Cost: none.
Said to help: the mean of all classes' accuracy on long tails of one label an image.
Claimed: none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.losses.base import Loss, LossSettings
from cxrlt_core.losses.bce import bce
from cxrlt_core.system.settings import Positive, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class Settings(LossSettings):
    """How much of the prior is taken from the logits."""

    tau: Positive = usual(1)  # τ; 1 is the balanced error of the paper


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Count the labels, and return the loss that shifts logits by them."""
    return ShiftedBce(settings.tau * log_odds(targets))


def log_odds(targets: np.ndarray) -> np.ndarray:
    """log π / (1 − π) of each class, float32 (C,); takes training labels, int8 (N, C).

    π is the share of positives among the known labels. Half a positive and half a negative are added, so
    that a class without either stays finite.
    """
    positive = (targets == POSITIVE).sum(axis=0) + 0.5
    negative = (targets != UNKNOWN).sum(axis=0) + 1.0 - positive
    return np.log(positive / negative).astype(np.float32)


class ShiftedBce:
    """Binary cross-entropy of logits to which a number of their class is added."""

    def __init__(self, shift: np.ndarray) -> None:
        """Take the numbers, float32 (C,)."""
        import torch

        self.shift = torch.from_numpy(shift)

    def __call__(
        self, logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sum of weighted losses over the known labels, and the sum of their weights; see ``Loss``."""
        self.shift = self.shift.to(logits.device)  # a copy, and a wait, at the first call only
        return bce(logits + self.shift, targets, class_weights, image_weights)
