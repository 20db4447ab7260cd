"""Design 4, MixUp: blend pairs of images, and blend their losses rather than their labels.

Zhang et al. 2018. Blending labels is wrong where one of the two is unknown; the two-term loss
λ·L(z, y_i, m_i) + (1−λ)·L(z, y_j, m_j) equals it where both are known and stays right elsewhere.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.losses import Loss


@dataclass(frozen=True)
class Mixing:
    """Partner and share of each image: partner int64 (B,), share λ of the image itself (B,)."""

    partner: Tensor
    share: Tensor


def draw_mixing(batch: int, alpha: float, generator: np.random.Generator) -> Mixing:
    """Draw a partner other than itself for each image, and λ ~ Beta(alpha, alpha).

    A batch arrives in random order, so a random rotation of it pairs at random and never pairs an
    image with itself. λ is folded to [½, 1]: a pair and its mirror image are the same blend.

    Args:
        batch: number of images; at least 2.
        alpha: parameter of the Beta distribution.
        generator: source of the draws.
    """
    if batch < 2:
        raise ValueError("MixUp needs at least two images in a batch")
    partner = (np.arange(batch) + generator.integers(1, batch)) % batch
    share = generator.beta(alpha, alpha, size=batch).astype(np.float32)
    return Mixing(torch.from_numpy(partner), torch.from_numpy(np.maximum(share, 1 - share)))


def mix_images(images: Tensor, partners: Tensor, share: Tensor) -> Tensor:
    """Blend images with their partners; float (B, 1, H, W) in and out, share float32 (B,)."""
    share = share[:, None, None, None]
    return share * images + (1 - share) * partners


def mixup_loss(
    loss: Loss, logits: Tensor, targets: Tensor, partners: Tensor, class_weights: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    """Two-term loss of blended images: the sum of losses and the sum of weights, over both terms.

    Args:
        loss: of one term.
        logits: of the blended images, float32 (B, C).
        targets: of the images, int8 (B, C).
        partners: targets of their partners, int8 (B, C).
        class_weights: float32 (C,).
        share: λ of each image itself, float32 (B,).
    """
    own, own_weights = loss(logits, targets, class_weights, share)
    other, other_weights = loss(logits, partners, class_weights, 1 - share)
    return own + other, own_weights + other_weights
