"""Masked, class-weighted binary cross-entropy: unknown labels neither reward nor punish."""

import torch
from torch import Tensor
from torch.nn import functional as F

from cxrlt_core.labels import POSITIVE, UNKNOWN


def masked_bce(
    logits: Tensor, targets: Tensor, class_weights: Tensor, image_weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Sum of weighted binary cross-entropies over the known labels, and the sum of their weights.

    L = Σ m_ic w_c v_i BCE(z_ic, y_ic), with m_ic = 1 where the label is known. The caller divides:
    with partial labels a mean over all entries would shrink with the share of unknown ones.

    Args:
        logits: float32 (B, C).
        targets: 1, 0 or -1; int8 (B, C).
        class_weights: w, float32 (C,).
        image_weights: v, float32 (B,), 1 if absent.

    Returns:
        Two scalars: the sum of losses and the sum of weights.
    """
    weights = (targets != UNKNOWN) * class_weights
    if image_weights is not None:
        weights = weights * image_weights[:, None]
    labels = (targets == POSITIVE).to(logits.dtype)
    losses = F.binary_cross_entropy_with_logits(logits, labels, weight=weights, reduction="sum")
    return losses, weights.sum()


def mean_loss(losses: Tensor, weights: Tensor) -> Tensor:
    """Divide the sum of losses by the sum of weights; 0 when no label in the batch is known."""
    return losses / torch.clamp(weights, min=1e-6)
