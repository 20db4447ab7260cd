"""Query network: a pre-norm transformer decoder in which labels ask and image tokens answer.

Vaswani et al. 2017 (decoder), Xiong et al. 2020 (pre-norm); labels as queries after Zhang et al. 2023 (KAD).
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cxrlt_core.params.schema import QueryNetwork as QuerySettings

NOISE = 1e-10  # eigenvalues below it, as a share of the largest, are rounding


class Attention(nn.Module):
    """Multi-head attention through PyTorch's fused kernel."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        """Project queries, keys and values to ``heads`` heads of ``width / heads``."""
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Attend from queries (B, C, d) to memory (B, T, d)."""
        q = self._split(self.query(queries))
        k, v = (self._split(part) for part in self.key_value(memory).chunk(2, dim=-1))
        dropout = self.dropout if self.training else 0.0
        attended = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        return self.out(attended.transpose(1, 2).flatten(2))

    def weights(self, queries: Tensor, memory: Tensor) -> Tensor:
        """Return what :meth:`forward` weighs the memory by, averaged over the heads; float32 (B, C, T).

        The fused kernel keeps no weights, so they are computed here, and only for those who ask.
        """
        q = self._split(self.query(queries)).float()
        k = self._split(self.key_value(memory).chunk(2, dim=-1)[0]).float()
        return (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1).mean(1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class DecoderLayer(nn.Module):
    """Self-attention among labels, attention to the image, feed-forward; each normalised first."""

    def __init__(self, settings: QuerySettings) -> None:
        super().__init__()
        width = settings.width
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention = Attention(width, settings.heads, settings.dropout)
        self.cross_attention = Attention(width, settings.heads, settings.dropout)
        self.feedforward = nn.Sequential(
            nn.Linear(width, settings.feedforward),
            nn.GELU(),
            nn.Dropout(settings.dropout),
            nn.Linear(settings.feedforward, width),
        )
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, labels: Tensor, tokens: Tensor) -> Tensor:
        """Refine labels (B, C, d) with image tokens (B, T, d)."""
        x = self.norms[0](labels)
        labels = labels + self.dropout(self.self_attention(x, x))
        labels = labels + self.dropout(self.cross_attention(self.norms[1](labels), tokens))
        return labels + self.dropout(self.feedforward(self.norms[2](labels)))


def _initialise(module: nn.Module) -> None:
    """Start as torch.nn.Transformer does: weaker weights let the labels drown the image at first."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


class QueryDecoder(nn.Module):
    """Label coordinates and image tokens in, one feature vector per image and label out."""

    def __init__(self, settings: QuerySettings, coordinates: Tensor, token_width: int) -> None:
        """Build the decoder for tokens of a width.

        Coordinates of the labels (:func:`label_coordinates`), float32 (C, C), are a buffer: stored with the
        model, never trained, never computed again.
        """
        super().__init__()
        self.register_buffer("coordinates", coordinates)
        self.project_labels = nn.Linear(coordinates.shape[1], settings.width)
        self.project_tokens = nn.Linear(token_width, settings.width)
        self.norm_tokens = nn.LayerNorm(settings.width)
        self.layers = nn.ModuleList(DecoderLayer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width)
        self.apply(_initialise)

    def forward(self, tokens: Tensor) -> Tensor:
        """Turn image tokens (B, T, token_width) into label features (B, C, d)."""
        tokens = self.norm_tokens(self.project_tokens(tokens))
        labels = self.project_labels(self.coordinates).expand(tokens.shape[0], -1, -1)
        for layer in self.layers:
            labels = layer(labels, tokens)
        return self.norm(labels)

    @torch.no_grad()
    def attention(self, tokens: Tensor) -> Tensor:
        """Return the cross-attention of each label over image tokens (B, T, token_width), float32 (B, C, T).

        It is the mean over heads and layers; each label's weights add up to 1.
        """
        weights: list[Tensor] = []

        def note(layer: Attention, inputs: tuple[Tensor, Tensor]) -> None:
            weights.append(layer.weights(*inputs))

        hooks = [layer.cross_attention.register_forward_pre_hook(note) for layer in self.layers]
        try:
            self(tokens)
        finally:
            for hook in hooks:
                hook.remove()
        return torch.stack(weights).mean(0)


def label_coordinates(embeddings: np.ndarray) -> np.ndarray:
    """Describe label embeddings by their angles alone: the symmetric square root of their Gram matrix.

    Embeddings, float (C, D), are centred over the labels and scaled to unit length; with K = Ê Êᵀ the rows
    of K^{1/2} have the same inner products as the rows of Ê, in C numbers each, whatever the encoder's
    width, scale, offset or basis. Two encoders then differ in how they arrange the labels, never in how
    many numbers the optimiser is given. Returns float32 (C, C), rows of root mean square 1.
    """
    centred = embeddings.astype(np.float64) - embeddings.astype(np.float64).mean(0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.maximum(lengths, 1e-12)
    values, vectors = np.linalg.eigh(unit @ unit.T)
    # Centring leaves an eigenvalue of 0; the root of what rounding makes of it would show in float32.
    known = np.where(values > NOISE * values.max(initial=0), values, 0)
    root = (vectors * np.sqrt(known)) @ vectors.T
    return (root * np.sqrt(len(embeddings))).astype(np.float32)
