"""R-Drop: images pass the network twice, and the two answers, which dropout makes differ, are to agree.

Cost: training takes twice as long.
Said to help: networks with dropout.
Claimed: none known for this task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cxrlt_core.designs import hooks
from cxrlt_core.designs.hooks import Context, Labels, Objective
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Positive, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor

TITLE = "R-Drop"
SOURCE = "Liang et al. 2021, arXiv:2106.14448"
BEFORE = ("mixup",)  # which weighs losses and divergence by what is known of both images


#: One look at the first batch: to compare all of them would make the processor wait for the device.
SAME = (
    "r_drop: both passes are equal, since nothing drops anything; "
    "expected query.dropout above 0, or dropout in the options of the image encoder"
)


class Settings(Section):
    """How much the passes are to agree."""

    weight: Positive = usual(1.0)  # α of the divergence beside the two losses


def cell(settings: Settings) -> str:
    """Return the weight."""
    return f"{settings.weight:g}"


def forward(settings: Settings, context: Context) -> hooks.Forward:
    """Call the network once on the images and once more; logits (2, b, C)."""

    def twice(network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        import torch

        # in one call: batch statistics are those of the images, and DistributedDataParallel sees one pass
        return network(torch.cat([images, images])).unflatten(0, (2, -1))

    return twice


def loss(settings: Settings, context: Context) -> hooks.Loss:
    """Add the divergence of the passes to their losses.

    Half of the paper's ℓ₁ + ℓ₂ + α/2 (KL(p‖q) + KL(q‖p)), so that losses with and without it compare; the
    divergence is that of each known label, a Bernoulli variable, with the weight that the label has.
    """

    import torch

    from cxrlt_core.losses.base import label_weights

    checked = False

    def both(objective: Objective) -> Objective:
        def sums(logits: Tensor, labels: Labels, class_weights: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal checked
            if not checked and logits.requires_grad:
                checked = True
                if torch.equal(logits[0], logits[1]):
                    raise StudyError(SAME)
            (first, weight), (second, _) = (objective(of_pass, labels, class_weights) for of_pass in logits)
            weights = label_weights(labels.targets, class_weights, labels.weights)
            apart = (weights * divergence(logits[0], logits[1])).sum()
            return (first + second + settings.weight * apart) / 2, weight

        return sums

    return both


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """Half of KL(p‖q) + KL(q‖p) of Bernoulli variables with logits p and q: ½ (σ(p) − σ(q)) (p − q)."""
    return (p.sigmoid() - q.sigmoid()) * (p - q) / 2
