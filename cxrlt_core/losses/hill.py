"""Hill loss: negatives that look most positive are not believed. Zhang et al. 2021, arXiv:2112.07368.

Cost: none.
Said to help: labels of which many positives are missing and stand as negatives.
Claimed: none known for this task.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from cxrlt_core.labels import POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings, label_weights
from cxrlt_core.system.settings import NotNegative, Real, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


class Settings(LossSettings):
    """How steep the hill is, and the focus of positive labels."""

    hill: Annotated[Real, Field(ge=1.5, le=100)] = usual(1.5)  # λ; below, a likely negative would be rewarded
    gamma: NotNegative = usual(2)  # focus of positive labels
    margin: NotNegative = usual(1)  # taken from the logits of positive labels


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Return :func:`hill` with its settings."""
    return partial(hill, settings)


def hill(
    settings: Settings,
    logits: Tensor,
    targets: Tensor,
    class_weights: Tensor,
    image_weights: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Sum of weighted losses over the known labels, and the sum of their weights; arguments as in ``Loss``.

    A positive label costs −(1 − p_m)^γ log p_m with p_m = σ(z − m), a negative one (λ − p) p², whose slope by
    the logit falls again beyond p = ½ and is 0 at p = 1 (at λ = 1.5).
    """
    import torch
    from torch.nn import functional as F

    moved = logits - settings.margin
    positive_loss = torch.exp(settings.gamma * F.logsigmoid(-moved)) * F.softplus(-moved)
    p = torch.sigmoid(logits)
    losses = torch.where(targets == POSITIVE, positive_loss, (settings.hill - p) * p**2)
    weights = label_weights(targets, class_weights, image_weights)
    return (weights * losses).sum(), weights.sum()
