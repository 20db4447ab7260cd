"""Sharpness-aware minimisation: the gradient is that of the worst weights near by, not of the weights.

With the gradient g of a batch at the weights w, the step follows the gradient at w + ρ g / ‖g‖, the norm
taken over all weights that are trained. The optimiser, its learning rate and ``train.clip`` are as without.
Both passes see the same images, with dropout of their own; batch normalisation counts both in its running
statistics. On several processes the gradients are averaged first, so that all climb the same way.

Cost: training takes twice as long, and the weights stand in memory once more.
Said to help: generalisation and noisy labels.
Claimed: none known for this task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cxrlt_core.designs.hooks import Context, Step
from cxrlt_core.system.settings import Positive, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor, nn

TITLE = "SAM"
SOURCE = "Foret et al. 2021, arXiv:2010.01412"


class Settings(Section):
    """How far the worst weights are looked for."""

    radius: Positive = usual(0.05)  # ρ


def cell(settings: Settings) -> str:
    """Return ρ."""
    return f"ρ {settings.radius:g}"


def step(settings: Settings, context: Context) -> Step:
    """Climb by ρ along the gradient, take the gradient there, come back and move along it."""
    import torch

    def sharpness_aware(
        parameters: Sequence[nn.Parameter], backward: Callable[[], Tensor], update: Callable[[], None]
    ) -> Tensor:
        loss = backward()
        trained = [parameter for parameter in parameters if parameter.grad is not None]
        before = [parameter.detach().clone() for parameter in trained]  # to subtract again would round
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in trained])
        with torch.no_grad():
            for parameter in trained:
                parameter.add_(parameter.grad * (settings.radius / (norm + 1e-12)))
        backward()
        with torch.no_grad():
            for parameter, weights in zip(trained, before, strict=True):
                parameter.copy_(weights)
        update()
        return loss

    return sharpness_aware
