"""What all losses share: weights that leave out unknown labels, and the mean over the known ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrlt_core.labels import UNKNOWN

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor


def label_weights(targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None) -> Tensor:
    """Weight of each label in the loss, float32 (B, C): m_ic w_c v_i, with m_ic = 1 where known, else 0.

    Takes int8 targets (B, C), w, float32 (C,), and v, float32 (B,), 1 if absent.
    """
    weights = (targets != UNKNOWN) * class_weights
    return weights if image_weights is None else weights * image_weights[:, None]


def mean_loss(losses: Tensor, weights: Tensor) -> Tensor:
    """Divide the sum of losses by the sum of weights; 0 when no label in the batch is known."""
    return losses / weights.clamp(min=1e-6)
