"""Global average pooling: one linear layer on the mean of the image tokens, no label queries and no text.

What text queries are worth is the difference to it. The embeddings of a variant's ``text`` are not used.

Cost: less than label queries.
Said to help: as what heads with attention are compared with.
Claimed: none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.system.settings import Section

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor, nn

TITLE = "average pooling"
SOURCE = "Lin et al. 2014 (Network in Network), arXiv:1312.4400; He et al. 2016, arXiv:1512.03385"
EXCLUDES = {"separate": "a linear layer on pooled tokens has weights for each class already"}


class Settings(Section):
    """Nothing to set."""


def head(settings: Settings, shape: NetworkShape) -> nn.Module:
    """Build the head; it starts at the prior logit of each class."""
    import torch
    from torch import nn

    class Pooling(nn.Module):
        """Scores image tokens (B, T, w) as logits (B, C)."""

        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(shape.token_width, len(shape.prior_logits))
            with torch.no_grad():
                self.linear.bias.copy_(shape.prior_logits)

        def forward(self, tokens: Tensor) -> Tensor:
            scores: Tensor = self.linear(tokens.mean(dim=1))
            return scores

    return Pooling()
