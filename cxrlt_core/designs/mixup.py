"""Design 4, MixUp: blend pairs of images, and blend their losses rather than their labels.

Blending labels is wrong where one of the two is unknown; the two-term loss
λ·L(z, y_i, m_i) + (1−λ)·L(z, y_j, m_j) equals it where both are known and stays right elsewhere.

Cost: none.
Said to help: generalisation and noisy labels.
Claimed: +0.0007 mAP (CXR-LT 2023), arXiv:2308.08853; +0.007 balanced accuracy (MIMIC-CXR-LT, one label an
image), arXiv:2208.13365.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.designs.hooks import Context, Draw, Drawn, Inputs, Labels, Loss, Objective
from cxrlt_core.system.settings import Positive, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor

TITLE = "MixUp"
SOURCE = "Zhang et al. 2018, arXiv:1710.09412"


class Settings(Section):
    """The share of an image in its blend is drawn from Beta(alpha, alpha)."""

    alpha: Positive = usual(0.2)


def draw(settings: Settings, context: Context) -> Draw:
    """Draw a partner other than itself for each image, and its own share λ."""
    return lambda batch, generator: draw_blend(len(batch), settings.alpha, generator)


def draw_blend(batch: int, alpha: float, generator: np.random.Generator) -> Drawn:
    """Draw a partner other than itself for each image, and λ ~ Beta(alpha, alpha), float32 (B,).

    A batch arrives in random order, so a random rotation of it pairs at random and never pairs an
    image with itself. λ is folded to [½, 1]: a pair and its mirror image are the same blend.
    """
    import torch

    if batch < 2:
        raise ValueError("MixUp needs at least two images in a batch")
    partner = (np.arange(batch) + generator.integers(1, batch)) % batch
    lam = generator.beta(alpha, alpha, size=batch).astype(np.float32)
    return Drawn({"lam": torch.from_numpy(np.maximum(lam, 1 - lam))}, partner)


def inputs(settings: Settings, context: Context) -> Inputs:
    """Blend images with their partners."""
    return mix_images


def mix_images(images: Tensor, partners: Tensor, values: Mapping[str, Tensor]) -> Tensor:
    """Return λ·x_i + (1−λ)·x_j; float (b, 1, H, W)."""
    lam = values["lam"][:, None, None, None]
    return lam * images + (1 - lam) * partners


def loss(settings: Settings, context: Context) -> Loss:
    """Add up the losses of the labels of an image and of its partner, λ and 1 − λ of them."""

    def mixed(objective: Objective) -> Objective:
        def sums(logits: Tensor, labels: Labels, class_weights: Tensor) -> tuple[Tensor, Tensor]:
            lam, partners = labels.values["lam"], labels.partners
            first = objective(logits, labels.weighted(labels.targets, lam), class_weights)
            second = objective(logits, labels.weighted(partners, 1 - lam), class_weights)
            return first[0] + second[0], first[1] + second[1]

        return sums

    return mixed
