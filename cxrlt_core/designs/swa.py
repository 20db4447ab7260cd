"""Stochastic weight averaging: the mean of the weights after each of the last steps is what is saved.

It stands where ``train.ema`` would. Of the paper this is the averaging alone: its learning rate stays high
while weights are averaged, here it falls to zero as in every variant, so the averaged weights lie nearer
together. Nor are statistics of batch normalisation computed anew for the mean: those of the last steps stay.

Cost: the weights stand in memory once more; time as without.
Said to help: generalisation, with a learning rate that stays high.
Claimed: +0.0015 to +0.002 mAP (CXR-LT 2026, validation), github.com/nhan03bit/ISBI_2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrlt_core.designs.hooks import Average, Context
from cxrlt_core.system.settings import Fraction, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor

TITLE = "SWA"
SOURCE = "Izmailov et al. 2018, arXiv:1803.05407"


class Settings(Section):
    """When the averaging begins."""

    start: Fraction = usual(0.75)  # share of the steps


def cell(settings: Settings) -> str:
    """Return when it begins."""
    return f"from {settings.start:.0%}"


def average(settings: Settings, context: Context) -> Average:
    """Follow the weights up to the start, then keep the mean of those after each step."""
    import torch

    first = min(round(settings.start * context.steps), context.steps - 1)

    def update(averages: list[Tensor], parameters: list[Tensor], step: int) -> None:
        torch._foreach_lerp_(averages, parameters, 1 / max(1, step - first + 1))

    return update
