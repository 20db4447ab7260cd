"""CutMix: a rectangle of an image comes from another one, and their losses are blended by area.

The rectangle is a square within the image and at most half of it, since as in MixUp the partner's share is
the smaller one.

Cost: none.
Said to help: generalisation; a finding may be covered, and its label stays.
Claimed: none known for this task; above other augmentations on CIFAR and ImageNet, arXiv:1905.04899.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.designs import mixup
from cxrlt_core.designs.hooks import Context, Draw, Drawn, Inputs, Loss
from cxrlt_core.system.settings import Positive, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor

TITLE = "CutMix"
SOURCE = "Yun et al. 2019, arXiv:1905.04899"
AFTER = ("r_drop",)  # as MixUp: it weighs losses and divergence by what is known of both images


class Settings(Section):
    """The share of an image in its blend is drawn from Beta(alpha, alpha)."""

    alpha: Positive = usual(1.0)


def draw(settings: Settings, context: Context) -> Draw:
    """Draw partners and shares as MixUp does, and a square of the rest of the area anywhere in the image."""

    def rectangles(batch: np.ndarray, generator: np.random.Generator) -> Drawn:
        import torch

        blend = mixup.draw_blend(len(batch), settings.alpha, generator)
        side = np.sqrt(1 - blend.values["lam"].numpy())[:, None]
        corner = generator.uniform(size=(len(batch), 2)) * (1 - side)
        boxes = np.concatenate([corner, corner + side], axis=1).astype(np.float32)
        return Drawn({**blend.values, "boxes": torch.from_numpy(boxes)}, blend.partner)

    return rectangles


def inputs(settings: Settings, context: Context) -> Inputs:
    """Paste the rectangles of the partners."""

    def paste(images: Tensor, partners: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        import torch

        place = (torch.arange(images.shape[-1], device=images.device) + 0.5) / images.shape[-1]
        left, top, right, bottom = values["boxes"].T[:, :, None]
        rows, columns = (place >= top) & (place < bottom), (place >= left) & (place < right)
        return torch.where((rows[:, :, None] & columns[:, None, :])[:, None], partners, images)

    return paste


def loss(settings: Settings, context: Context) -> Loss:
    """Blend the losses as MixUp does, so that an unknown label of either image stays unknown."""
    return mixup.loss(mixup.Settings(alpha=settings.alpha), context)
