"""Token MLP: two layers between image encoder and label queries make tokens as wide as the text's numbers.

KAD and UniChest let queries of 768 numbers, the width of their text encoder, ask tokens that such a network
has made; a recipe with ``query: {width: 768}`` beside it makes ours as wide. Their queries are the embeddings
of the text, ours stay a linear layer on the angles between them, which the same information goes through.

Cost: little beside the image encoder; the width of the queries costs more.
Said to help: as a part of KAD and UniChest.
Claimed: alone, none known for this task.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cxrlt_core.system.settings import Count, Section, usual

if TYPE_CHECKING:  # every stage reads the settings of designs; torch takes two seconds
    from torch import Tensor, nn

TITLE = "token MLP"
SOURCE = "Zhang et al. 2023 (KAD), arXiv:2302.14042; Dai et al. 2023 (UniChest), arXiv:2312.11038"


class Settings(Section):
    """How wide the tokens become."""

    width: Count = usual(768)


def cell(settings: Settings) -> str:
    """Return the width."""
    return f"{settings.width}"


def encoder(settings: Settings, encoder: nn.Module) -> nn.Module:
    """Let the tokens of the encoder pass two linear layers, each token by itself."""
    from torch import nn

    def widened(module: nn.Module, images: tuple[Tensor], tokens: Tensor) -> Tensor:
        wide: Tensor = layers(tokens)
        return wide

    width = encoder.width
    layers = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, settings.width))
    encoder.add_module("token_mlp", layers)  # within the encoder, so that its weights keep their names
    encoder.width = settings.width
    encoder.register_forward_hook(widened)
    return encoder
