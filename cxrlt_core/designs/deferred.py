"""Deferred reweighting: classes weigh alike at first, and by their effective number at the end.

With the loss ``ldam`` it is LDAM-DRW. The weights are those of the loss ``class_balanced``, of positive and
negative labels alike, and multiply with ``weights``.

Cost: none.
Said to help: long tails of one label an image, together with LDAM.
Claimed: of class-balanced LDAM, +0.042 balanced accuracy (MIMIC-CXR-LT, one label an image),
arXiv:2208.13365; with LDAM, above BCE and ASL (CXR-LT 2026), arXiv:2603.02294.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cxrlt_core.designs.hooks import ClassWeights, Context
from cxrlt_core.losses.class_balanced import balance
from cxrlt_core.system.settings import Fraction, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor

TITLE = "deferred weights"
SOURCE = "Cao et al. 2019, arXiv:1906.07413, with the weights of Cui et al. 2019, arXiv:1901.05555"


class Settings(Section):
    """From when on, and how much the counts matter."""

    start: Fraction = usual(0.8)  # share of the epochs before
    beta: Fraction = usual(0.9999)  # 0: not at all; towards 1 a class weighs the inverse of its positives


def cell(settings: Settings) -> str:
    """Return the start and β."""
    return f"from {settings.start:g}, β {settings.beta:g}"


def class_weights(settings: Settings, context: Context) -> ClassWeights:
    """Multiply the weights by those of the counts, from the first epoch that begins after the start."""
    import torch

    epochs = math.ceil(context.steps / context.steps_per_epoch)
    first = math.floor(settings.start * epochs)  # at least the last epoch
    balanced = torch.from_numpy(balance(context.targets, settings.beta)).to(context.device)

    def weigh(weights: Tensor, epoch: int) -> Tensor:
        return weights * balanced if epoch >= first else weights

    return weigh
