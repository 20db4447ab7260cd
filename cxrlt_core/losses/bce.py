"""Binary cross-entropy: the loss of the published study.

Cost: none.
Said to help: as what other losses are compared with.
Claimed: none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings, label_weights

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class Settings(LossSettings):
    """Nothing to set."""


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Return :func:`bce`."""
    return bce


def bce(
    logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sum of −w log p_t over the known labels, and the sum of w; arguments as in ``Loss``.

    p_t is the probability of what is true: p for a positive label, 1 − p for a negative one.
    """
    from torch.nn import functional as F

    weights = label_weights(targets, class_weights, image_weights)
    labels = (targets == POSITIVE).to(logits.dtype)
    losses = F.binary_cross_entropy_with_logits(logits, labels, weight=weights, reduction="sum")
    return losses, weights.sum()
