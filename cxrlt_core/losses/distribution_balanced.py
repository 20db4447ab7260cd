"""Distribution-balanced loss: labels that occur together are rebalanced, negatives tolerated.

Wu et al. 2020, arXiv:2007.09654, with the focal factor and the constants of the authors' code
(wutong16/DistributionBalancedLoss, ResampleLoss). Its division of the bias by λ is left out: the authors call
it an error (issue 8 there). The paper shows images by class-aware sampling, which shows those with several
labels too often; that is what the weights undo.

Cost: none.
Said to help: long tails of images with several labels each; COCO and VOC made long-tailed in the paper.
Claimed: none known for this task; 53.55 % mAP on COCO-MLT, github.com/wutong16/DistributionBalancedLoss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings, label_weights
from cxrlt_core.losses.logit_adjusted import log_odds
from cxrlt_core.system.settings import NotNegative, Positive, Real, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor

SOURCE = "Wu et al. 2020, arXiv:2007.09654"


class Settings(LossSettings):
    """How weights are smoothed, how negatives are tolerated, and the focus."""

    alpha: NotNegative = usual(0.1)  # least weight of a label
    beta: Positive = usual(10)  # how steeply weights rise
    mu: Real = usual(0.2)  # where they are half way up
    tolerance: Positive = usual(2)  # λ: how much faster negatives stop to count; 1: as fast
    bias: NotNegative = usual(0.05)  # κ: how much of the prior is added to logits
    gamma: NotNegative = usual(2)  # focus; 0: none
    factor: Positive = usual(2)  # of the whole loss, beside the focus


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Count the labels, and return the loss."""
    positives = np.maximum((targets == POSITIVE).sum(axis=0), 1)
    return DistributionBalanced(settings, 1 / positives, settings.bias * log_odds(targets))


class DistributionBalanced:
    """The loss with what it counted."""

    def __init__(self, settings: Settings, rarity: np.ndarray, bias: np.ndarray) -> None:
        """Take 1 / n for n positives of each class, and what is added to its logits, (C,) each."""
        import torch

        self.settings = settings
        self.numbers = torch.from_numpy(np.stack([rarity, bias]).astype(np.float32))

    def __call__(
        self, logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sum of weighted losses over the known labels, and the sum of their weights; see ``Loss``.

        With x = z + κ log(π / (1 − π)), a positive label costs r̂ (1 − p)^γ (−log p) with p = σ(x), and a
        negative one r̂ / λ · q^γ (−log (1 − q)) with q = σ(λ x), times ``factor``. The sum of weights leaves r̂
        out.
        """
        import torch
        from torch.nn import functional as F

        self.numbers = self.numbers.to(logits.device)  # a copy, and a wait, at the first call only
        rarity, bias = self.numbers
        settings, positive = self.settings, targets == POSITIVE
        moved = logits + bias
        wrong = torch.where(positive, -moved, settings.tolerance * moved)  # logit of what is not so
        losses = torch.exp(settings.gamma * F.logsigmoid(wrong)) * F.softplus(wrong)
        losses = losses * torch.where(positive, 1.0, 1 / settings.tolerance)
        weights = label_weights(targets, class_weights, image_weights)
        balanced = settings.factor * self.rebalance(positive, rarity) * losses
        return (weights * balanced).sum(), weights.sum()

    def rebalance(self, positive: Tensor, rarity: Tensor) -> Tensor:
        """r̂ = α + σ(β (r − μ)) of each label, float32 (B, C).

        r is the share of an image's draws that the class itself would make in class-aware sampling: 1 / n of
        it, over the sum of 1 / n of the image's positive classes; without any, r̂ = α + 1.
        """
        import torch

        share = rarity / (positive * rarity).sum(dim=1, keepdim=True)
        return self.settings.alpha + torch.sigmoid(self.settings.beta * (share - self.settings.mu))
