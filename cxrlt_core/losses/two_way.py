"""Two-way loss: positives against negatives, within an image and within a class.

A loss of pairs, no sum over labels: each positive label is compared with each negative one of its image, and
of its class in the batch. It thus sees the batch that is computed at once: parts of ``train.accumulate``, and
processes, compare within themselves. As in the author's code (tk1980/TwowayMultiLabelLoss), which knows no
weights and no unknown labels.

Cost: next to none.
Said to help: multi-label images in general.
Claimed: none known for this task.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.labels import NEGATIVE, POSITIVE
from cxrlt_core.losses.base import Loss, LossSettings, label_weights
from cxrlt_core.system.settings import Positive, usual

if TYPE_CHECKING:  # every stage reads the settings of losses; torch takes two seconds
    from torch import Tensor

SOURCE = "Kobayashi 2023, Two-way multi-label loss (CVPR)"


class Settings(LossSettings):
    """How far the worst labels count beyond the others; the nearer to 0, the further."""

    positive_temperature: Positive = usual(4)
    negative_temperature: Positive = usual(1)


def build(settings: Settings, targets: np.ndarray) -> Loss:
    """Return :func:`two_way` with its settings."""
    return partial(two_way, settings)


def two_way(
    settings: Settings,
    logits: Tensor,
    targets: Tensor,
    class_weights: Tensor,
    image_weights: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Mean loss of the images plus mean loss of the classes, times the sum of the weights, and that sum.

    An image, and likewise a class, costs softplus(T₊ log Σ₊ exp(−z / T₊) + T₋ log Σ₋ exp(z / T₋)), over its
    known labels; one without a pair is in no mean. A weight, of a class or an image, is how often it stands
    there: in these sums, and in the mean of its kind. Arguments as in ``Loss``.
    """
    import torch
    from torch.nn import functional as F

    weights = label_weights(targets, class_weights, image_weights)
    images = torch.ones_like(logits[:, 0]) if image_weights is None else image_weights
    total = torch.zeros_like(logits[0, 0])
    for dim, within, of in ((0, images[:, None], class_weights), (1, class_weights, images)):
        sums, paired = torch.zeros_like(of), of > 0
        for label, sign, temperature in (
            (POSITIVE, -1, settings.positive_temperature),
            (NEGATIVE, 1, settings.negative_temperature),
        ):
            counted = (targets == label) & (within > 0)
            terms = sign * logits / temperature + torch.where(counted, within, 1.0).log()
            least = torch.finfo(logits.dtype).min
            sums = sums + temperature * terms.masked_fill(~counted, least).logsumexp(dim)
            paired = paired & counted.any(dim)
        of = of * paired
        total = total + (of * F.softplus(sums.masked_fill(~paired, 0.0))).sum() / of.sum().clamp(min=1e-6)
    return total * weights.sum(), weights.sum()
