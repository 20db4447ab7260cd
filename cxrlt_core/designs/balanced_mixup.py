"""Balanced MixUp: an image drawn as they come is blended with one drawn class by class.

x = (1 − λ) x_I + λ x_B with λ ~ Beta(α, 1): for a small α most blends are nearly images as they come, and
rare classes enter by small shares. Losses are blended rather than labels, as in MixUp, so that an unknown
label of either image stays unknown. The authors load a batch of each kind. Here half of a batch is of each
kind and each image is blended with one of the other half, by a λ of its own, so that a step costs what it
costs without: an epoch has as many blends, of half as many images of either kind.

Cost: none.
Said to help: long tails, of retinal and endoscopic images in the paper.
Claimed: −0.001 balanced accuracy (MIMIC-CXR-LT, one label an image), arXiv:2208.13365.
"""

from __future__ import annotations

import numpy as np

from cxrlt_core.designs import mixup
from cxrlt_core.designs.class_aware import class_lists, draw_images
from cxrlt_core.designs.hooks import Context, Draw, Drawn, Inputs, Loss, Order
from cxrlt_core.system.settings import Positive, Section, usual

TITLE = "balanced MixUp"
SOURCE = "Galdran et al. 2021, arXiv:2109.09850"
AFTER = ("r_drop",)  # as MixUp: it weighs losses and divergence by what is known of both images


class Settings(Section):
    """The share of the image of a class in its blend is drawn from Beta(alpha, 1)."""

    alpha: Positive = usual(0.2)


def cell(settings: Settings) -> str:
    """Return α."""
    return f"α {settings.alpha:g}"


def order(settings: Settings, context: Context) -> Order:
    """Fill the first half of each batch with images as they come, the second class by class."""
    lists, images = class_lists(context.targets), len(context.targets)
    batches = np.array_split(np.arange(images), context.steps_per_epoch)
    balanced = np.concatenate([np.arange(len(batch)) >= _half(len(batch)) for batch in batches])

    def epoch(generator: np.random.Generator) -> np.ndarray:
        shown = generator.permutation(images)
        shown[balanced] = draw_images(lists, int(balanced.sum()), generator)
        return shown

    return epoch


def draw(settings: Settings, context: Context) -> Draw:
    """Draw a partner in the other half of the batch for each image, and its own share, float32 (B,)."""

    def blends(batch: np.ndarray, generator: np.random.Generator) -> Drawn:
        import torch

        first = _half(len(batch))
        second = len(batch) - first
        partners_of_first = first + generator.permutation(first) % second
        partner = np.concatenate([partners_of_first, generator.permutation(first)[:second]])
        share = generator.beta(settings.alpha, 1, size=len(batch)).astype(np.float32)
        share[:first] = 1 - share[:first]
        return Drawn({"lam": torch.from_numpy(share)}, partner)

    return blends


def inputs(settings: Settings, context: Context) -> Inputs:
    """Blend images with their partners."""
    return mixup.mix_images


def loss(settings: Settings, context: Context) -> Loss:
    """Add up the losses of the labels of both, by their shares."""
    return mixup.loss(mixup.Settings(alpha=settings.alpha), context)


def _half(batch: int) -> int:
    """Images of a batch that are drawn as they come; the rest is drawn class by class."""
    return (batch + 1) // 2
