"""Design 3, separate classifier: a last linear layer of its own for each class, in place of one for all.

Cost: none.
Said to help: as a part of the published study.
Claimed: +0.0006 mAP (CXR-LT 2023), arXiv:2308.08853.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.system.settings import Section

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor, nn

TITLE = "separate"
SOURCE = "the published study"


class Settings(Section):
    """Nothing to set."""


def classifier(settings: Settings, shape: NetworkShape) -> nn.Module:
    """Build class-wise layers, each starting at the prior logit of its class."""
    import torch
    from torch import nn

    class SeparateClassifier(nn.Module):
        """Class c scores its feature vector with its own weights and bias."""

        def __init__(self, width: int, prior_logits: Tensor) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.empty(len(prior_logits), width))
            self.bias = nn.Parameter(prior_logits.clone())
            nn.init.uniform_(self.weight, -(width**-0.5), width**-0.5)  # as nn.Linear(width, 1)

        def forward(self, features: Tensor) -> Tensor:
            """Score label features (B, C, d) as logits (B, C)."""
            return torch.einsum("bcd,cd->bc", features, self.weight) + self.bias

    return SeparateClassifier(shape.feature_width, shape.prior_logits)
