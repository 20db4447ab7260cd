"""Robust asymmetric loss: ASL as a polynomial, negatives on a hill. Park et al. 2023, arXiv:2308.05542.

As the authors' code has it (kalelpark/RAL, models/get_optimizer.py, ``Ralloss``), whose negative labels are
held back twice, by λ − p and by λ − (1 − p_m).

Cost: none.
Said to help: long tails of chest X-rays.
Claimed: among the first five of CXR-LT 2023, arXiv:2308.05542; no difference to another loss known.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cxrlt_core.labels import POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings, label_weights
from cxrlt_core.system.settings import Fraction, NotNegative, Real, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class Settings(LossSettings):
    """Those of ASL, the first terms of the polynomial of positive labels, and the hill of negative ones."""

    gamma_pos: NotNegative = usual(0)
    gamma_neg: NotNegative = usual(4)
    clip: Fraction = usual(0.05)  # m: probability below which a negative costs nothing
    linear: Annotated[Real, Field(ge=0, le=1)] = usual(1)  # ε₁, taken off the loss of positive labels
    square: NotNegative = usual(2.5)  # −ε₂ of the code, added to it
    hill: Annotated[Real, Field(ge=1, le=100)] = usual(1.5)  # λ


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Return :func:`robust_asl` with its settings."""
    return partial(robust_asl, settings)


def robust_asl(
    settings: Settings,
    logits: Tensor,
    targets: Tensor,
    class_weights: Tensor,
    image_weights: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Sum of weighted losses over the known labels, and the sum of their weights; arguments as in ``Loss``.

    With q = 1 − p a positive label costs q^γ₊ (−log p − ε₁ q + ½ |ε₂| q²); with r = min(q + m, 1) a negative
    one (1 − r)^γ₋ (−log r) (λ − p) p² (λ − r).
    """
    import torch
    from torch.nn import functional as F

    positive = targets == POSITIVE
    p, q = torch.sigmoid(logits), torch.sigmoid(-logits)
    polynomial = F.softplus(-logits) - settings.linear * q + settings.square / 2 * q**2
    margin = torch.full_like(logits, math.log(settings.clip) if settings.clip else -math.inf)
    log_r = torch.logaddexp(F.logsigmoid(-logits), margin).clamp(max=0)
    slope = (settings.hill - p) * p**2 * (settings.hill - log_r.exp())
    wrong = torch.where(positive, q, -torch.expm1(log_r)).clamp(min=1e-12)  # no finite slope at 0 otherwise
    gamma = torch.where(positive, settings.gamma_pos, settings.gamma_neg)
    losses = wrong**gamma * torch.where(positive, polynomial, -log_r * slope)
    weights = label_weights(targets, class_weights, image_weights)
    return (weights * losses).sum(), weights.sum()
