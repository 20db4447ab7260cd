"""ML-Decoder: fixed random queries ask the image tokens once, without text and without asking each other.

A query answers for a group of ⌈C / groups⌉ neighbouring classes, each of which scores it with weights of its
own; with as many groups as classes, the most that there can be, each class has a query. The layer is the
authors': queries are normalised, attend to the tokens, are normalised, pass a feed-forward network and are
normalised.

Cost: one decoder layer of its width, in float32.
Said to help: multi-label images, over pooling.
Claimed: as a part of LTCXNet (MIMIC-CXR), arXiv:2411.10746; alone, none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import model_validator

from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.system.settings import Count, Fraction, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor, nn

TITLE = "ML-Decoder"
SOURCE = "Ridnik et al. 2021, arXiv:2111.12933"
EXCLUDES = {"separate": "ML-Decoder has weights for each class already"}


class Settings(Section):
    """Sizes of the decoder."""

    groups: Count = usual(100)  # queries; no more than classes are made
    width: Count = usual(768)
    heads: Count = usual(8)
    feedforward: Count = usual(2048)
    dropout: Fraction = usual(0.1)

    @model_validator(mode="after")
    def heads_share_the_width(self) -> Settings:
        """Reject a width that the heads cannot share."""
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be a multiple of heads {self.heads}")
        return self


def cell(settings: Settings) -> str:
    """Return groups and width."""
    return f"{settings.groups} × {settings.width}"


def head(settings: Settings, shape: NetworkShape) -> nn.Module:
    """Build the head; the bias of each class starts at its prior logit."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    classes, width = len(shape.prior_logits), settings.width
    queries = min(settings.groups, classes)

    class MLDecoder(nn.Module):
        """Scores image tokens (B, T, w) as logits (B, C)."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("queries", torch.randn(queries, width))  # never trained
            self.tokens = nn.Linear(shape.token_width, width)
            self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
            self.out = nn.Linear(width, width)
            self.widen = nn.Linear(width, settings.feedforward)
            self.narrow = nn.Linear(settings.feedforward, width)
            self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
            self.dropout = nn.Dropout(settings.dropout)
            self.weight = nn.Parameter(torch.empty(queries, width, -(-classes // queries)))
            self.bias = nn.Parameter(shape.prior_logits.clone())
            nn.init.xavier_normal_(self.weight)

        def forward(self, tokens: Tensor) -> Tensor:
            tokens = F.relu(self.tokens(tokens))
            # self-attention of queries that are always the same is left out; what stays is twice the query
            x = self.norms[0](self.queries + self.dropout(self.queries))
            x = self.norms[1](x + self.dropout(self.attend(x, tokens)))
            x = self.norms[2](x + self.dropout(self.narrow(self.dropout(F.relu(self.widen(x))))))
            return torch.einsum("bqd,qdg->bqg", x, self.weight).flatten(1)[:, :classes] + self.bias

        def attend(self, queries: Tensor, tokens: Tensor) -> Tensor:
            """Let queries (Q, d) attend to tokens (B, T, d); (B, Q, d)."""
            key, value = self.key_value(tokens).chunk(2, dim=-1)
            parts = (self.query(queries).expand(tokens.shape[0], -1, -1), key, value)
            q, k, v = (part.unflatten(-1, (settings.heads, -1)).transpose(1, 2) for part in parts)
            dropout = settings.dropout if self.training else 0.0
            attended = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
            return self.out(attended.transpose(1, 2).flatten(2))

    return MLDecoder()
