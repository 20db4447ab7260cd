"""Effective-number margin: weights by effective number, and a margin for positive labels.

As the team that came first on CXR-LT 2026, task 1, trained: hieuphamha19/CXR_LT,
Task1_Long_tailed/train_csra_head.py, calls it distribution-balanced loss; that of
Wu et al. 2020 is another one (``distribution_balanced``). Its weights are those of Cui et al. 2019
(``class_balanced``) to a power, its margin is that of positive labels alone, and the *larger* the more
frequent a class is. Its switches for negative labels are off there, and not offered here.

Cost: none.
Said to help: as a part of the winner of CXR-LT 2026.
Claimed: alone, none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings, label_weights
from cxrlt_core.losses.class_balanced import balance
from cxrlt_core.system.settings import Fraction, NotNegative, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor

SOURCE = "github.com/hieuphamha19/CXR_LT (CXR-LT 2026)"


class Settings(LossSettings):
    """Weights of classes, and margins of their positive labels."""

    beta: Fraction = usual(0.9999)  # of the effective number
    power: NotNegative = usual(0.5)  # of the weights; 0: all classes alike
    margin: NotNegative = usual(0.2)  # of the most frequent class, in logits; the rarest has none


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Count the positives, and return the loss that weighs and moves by them."""
    weights = balance(targets, settings.beta)
    return WeightedMarginBce(weights**settings.power, margins(weights, settings.margin))


def margins(weights: np.ndarray, largest: float) -> np.ndarray:
    """Margin of the positive labels of each class: 1 / w, scaled from 0 for the rarest to ``largest``.

    Takes weights of :func:`cxrlt_core.losses.class_balanced.balance`, (C,), 0 without known labels, where the
    margin is 0, too. Returns float32 (C,); 0 where all classes are alike.
    """
    known = weights > 0
    inverse = 1 / weights[known]
    scaled = np.zeros(len(weights), np.float32)
    if len(inverse):
        scaled[known] = largest * (inverse - inverse.min()) / (np.ptp(inverse) or 1.0)
    return scaled


class WeightedMarginBce:
    """Binary cross-entropy by weights of classes, of logits that lack a margin where labels are positive."""

    def __init__(self, weights: np.ndarray, margins: np.ndarray) -> None:
        """Take weights and margins, float32 (C,) each."""
        import torch

        self.numbers = torch.from_numpy(np.stack([weights, margins]))

    def __call__(
        self, logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sum of weighted losses over the known labels, and the sum of their weights; see ``Loss``.

        The sum of weights leaves out those of the effective number, as the mean of the authors' code does.
        """
        from torch.nn import functional as F

        self.numbers = self.numbers.to(logits.device)  # a copy, and a wait, at the first call only
        own, margins = self.numbers
        labels = (targets == POSITIVE).to(logits.dtype)
        losses = F.binary_cross_entropy_with_logits(logits - margins * labels, labels, reduction="none")
        weights = label_weights(targets, class_weights, image_weights)
        return (weights * own * losses).sum(), weights.sum()
