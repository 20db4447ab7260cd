"""Asymmetric loss: negatives are focused on more than positives. Ridnik et al. 2021, arXiv:2009.14119.

Cost: none.
Said to help: multi-label images, of which most labels are negative.
Claimed: none known for this task; 86.6 % mAP on MS-COCO, the best of its time, arXiv:2009.14119.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings, label_weights
from cxrlt_core.system.settings import Fraction, NotNegative, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class Settings(LossSettings):
    """Focus of positive and of negative labels, and the margin of the negative ones."""

    gamma_pos: NotNegative = usual(0)
    gamma_neg: NotNegative = usual(4)
    clip: Fraction = usual(0.05)  # probability below which a negative costs nothing


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Return :func:`asl` with its settings."""
    return partial(asl, settings)


def asl(
    settings: Settings,
    logits: Tensor,
    targets: Tensor,
    class_weights: Tensor,
    image_weights: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Sum of weighted losses over the known labels, and the sum of their weights; arguments as in ``Loss``.

    A positive label costs −(1 − p)^γ₊ log p, a negative one −p_m^γ₋ log(1 − p_m) with p_m = max(p − m, 0):
    negatives below the margin m (``clip``) cost nothing. The gradient is that of the whole expression, as the
    paper analyses it. The authors' code can also hold the focusing factors constant
    (disable_torch_grad_focal_loss), which makes the gradient of easy negatives up to 1 + γ₋ times smaller.
    """
    import torch
    from torch.nn import functional as F

    positive = targets == POSITIVE
    margin = torch.full_like(logits, math.log(settings.clip) if settings.clip else -math.inf)
    negative_right = torch.logaddexp(F.logsigmoid(-logits), margin).clamp(max=0)  # log min(1 − p + m, 1)
    right = torch.where(positive, F.logsigmoid(logits), negative_right)
    wrong = -torch.expm1(right)
    gamma = torch.where(positive, settings.gamma_pos, settings.gamma_neg)
    losses = -(wrong.clamp(min=1e-12) ** gamma) * right  # a power below 1 has no finite slope at 0
    weights = label_weights(targets, class_weights, image_weights)
    return (weights * losses).sum(), weights.sum()
