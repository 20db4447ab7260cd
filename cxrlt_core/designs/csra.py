"""Class-specific residual attention: a linear classifier in each cell of the feature map, no label queries.

The score of a class is its mean over the cells plus λ times its attended mean, which weighs the cells by the
class's own scores at temperature T.

Cost: less than label queries.
Said to help: multi-label images in general.
Claimed: none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.system.settings import NotNegative, Positive, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor, nn

TITLE = "CSRA"
SOURCE = "Zhu and Wu 2021, arXiv:2108.02456"
EXCLUDES = {"separate": "CSRA has a classifier for each class already"}


class Settings(Section):
    """How much the attended mean counts, and how sharp it is."""

    residual: NotNegative = usual(0.1)  # λ
    temperature: Positive = usual(1.0)  # T; the larger, the nearer to the best cell


def cell(settings: Settings) -> str:
    """Return λ and T."""
    return f"λ {settings.residual:g}, T {settings.temperature:g}"


def head(settings: Settings, shape: NetworkShape) -> nn.Module:
    """Build the head; it starts at the prior logit of each class."""
    from torch import nn
    from torch.nn import functional as F

    class ResidualAttention(nn.Module):
        """Scores image tokens (B, T, w) as logits (B, C)."""

        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(shape.token_width, len(shape.prior_logits), bias=False)
            self.bias = nn.Parameter(shape.prior_logits.clone())

        def forward(self, tokens: Tensor) -> Tensor:
            # the authors' code normalises the weights of each class, so that T alone says how sharp it is
            weights = F.normalize(self.linear.weight, dim=1)
            scores = F.linear(tokens, weights)
            attention = (settings.temperature * scores).softmax(dim=1)
            attended = (attention * scores).sum(dim=1)
            return scores.mean(dim=1) + settings.residual * attended + self.bias

    return ResidualAttention()
