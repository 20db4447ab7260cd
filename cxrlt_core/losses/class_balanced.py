"""Class-balanced loss: rare classes count more. Cui et al. 2019, arXiv:1901.05555.

The paper weighs an image by its one class. Here an image has any number of classes, so each class is
a problem of its own and its weight applies to its positive and its negative labels alike.

Cost: none.
Said to help: long tails.
Claimed: +0.058 balanced accuracy (MIMIC-CXR-LT, one label an image), arXiv:2208.13365.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.losses.base import Loss, LossSettings
from cxrlt_core.losses.bce import bce
from cxrlt_core.system.settings import Fraction, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class Settings(LossSettings):
    """How much the counts matter."""

    beta: Fraction = usual(0.9999)  # 0: not at all; towards 1 a class weighs the inverse of its positives


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Count the positives, and return the loss that weighs by them."""
    return BalancedBce(balance(targets, settings.beta))


def balance(targets: np.ndarray, beta: float) -> np.ndarray:
    """Weights (1 − β) / (1 − β^n) for n positives, scaled to mean 1 over the classes with known labels.

    Mean 1 is the paper's sum C. A class without positives counts as one with a single positive; a class
    without known labels weighs 0. Takes training labels, int8 (N, C); returns float32 (C,). β = 0 gives
    uniform weights; towards 1 they approach 1 / n.
    """
    known = (targets != UNKNOWN).any(axis=0)
    positives = np.maximum((targets == POSITIVE).sum(axis=0), 1)
    weights = known * (1 - beta) / (1 - beta**positives)
    return (weights * (known.sum() / max(weights.sum(), 1e-12))).astype(np.float32)


class BalancedBce:
    """Binary cross-entropy whose class weights are multiplied by those of :func:`balance`."""

    def __init__(self, weights: np.ndarray) -> None:
        """Take weights, float32 (C,)."""
        import torch

        self.weights = torch.from_numpy(weights)

    def __call__(
        self, logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sum of weighted losses over the known labels, and the sum of their weights; see ``Loss``."""
        self.weights = self.weights.to(class_weights.device)  # a copy, and a wait, at the first call only
        return bce(logits, targets, class_weights * self.weights, image_weights)
