"""Labels that a shared classifier was never trained on, described by those that it was.

A new label gets coordinates among the trained ones (Nyström; Williams and Seeger 2001) and asks the image as
they do. No trained label looks at it, so nothing that is said of these changes; it looks at them and at
itself, so nothing that is said of it depends on which other new labels are asked.
"""

import numpy as np
import torch
from torch import Tensor, nn

from cxrlt_core.model.classifier import Classifier, SharedClassifier
from cxrlt_core.model.query_network import NOISE, DecoderLayer, QueryDecoder, label_coordinates
from cxrlt_core.system.errors import StudyError

#: By how much coordinates may differ from those stored with a model, whose rows have a root mean square of 1.
SAME = 1e-2


def directions(embeddings: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """Return embeddings (N, D) about the mean of the trained ones (C, D), at unit length; float64 (N, D)."""
    centred = embeddings.astype(np.float64) - trained.astype(np.float64).mean(0)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)


def nystrom_coordinates(embeddings: np.ndarray, trained: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Describe new labels by the trained ones.

    With Ê the directions of C trained labels, K = Ê Êᵀ and ê that of a new label, c = ê Êᵀ K^(-1/2), a
    pseudo-inverse. A trained label gets its own row of :func:`label_coordinates`. ‖c‖² is the share of ê that
    lies among the trained labels: 1 where they express it, 0 where they say nothing of it.

    Takes embeddings of U new labels (U, D) and of the trained ones (C, D), of one encoder. Returns float32
    (U, C), in the scale of the trained rows, and ‖c‖², float64 (U,).
    """
    root = label_coordinates(trained).astype(np.float64) / np.sqrt(len(trained))
    products = directions(embeddings, trained) @ directions(trained, trained).T
    coordinates = products @ np.linalg.pinv(root, rcond=NOISE**0.5, hermitian=True)
    return (coordinates * np.sqrt(len(trained))).astype(np.float32), (coordinates**2).sum(1)


class ZeroShotClassifier(nn.Module):
    """A trained classifier that also scores new labels, for inference; its own scores keep their bits."""

    def __init__(self, model: Classifier, coordinates: np.ndarray) -> None:
        """Take coordinates of U new labels, float32 (U, C); StudyError when the model can score none."""
        super().__init__()
        check_shared(model)
        self.model = model
        self.register_buffer("coordinates", torch.from_numpy(coordinates))

    def forward(self, images: Tensor) -> Tensor:
        """Score normalised images (B, 1, H, W) as float32 logits (B, C + U), the new labels last."""
        features = label_features(self.model.queries, self.model.encoder(images), self.coordinates)
        with torch.autocast(images.device.type, enabled=False):
            return torch.cat([self.model.head(part.float()) for part in features], dim=1)


def check_shared(model: Classifier) -> None:
    """Raise StudyError when a model scores each class by weights of its own."""
    if not isinstance(model.queries, QueryDecoder):
        raise StudyError("this model has no label queries; expected one without a head of a design")
    if not isinstance(model.head, SharedClassifier):
        raise StudyError("this model has a last layer for each class; expected a shared one")


def check_encoder(model: Classifier, embeddings: np.ndarray) -> None:
    """Raise StudyError when embeddings of a model's own labels (C, D) are not those of its training."""
    difference = label_coordinates(embeddings) - model.queries.coordinates.cpu().numpy()
    if not np.abs(difference).max() <= SAME:
        raise StudyError("the text encoder is not the one of this model, whose labels it arranges otherwise")


def label_features(queries: QueryDecoder, tokens: Tensor, new: Tensor) -> tuple[Tensor, Tensor]:
    """Turn image tokens (B, T, token_width) and new coordinates (U, C) into features (B, C, d), (B, U, d).

    It is a decoder whose self-attention masks new labels, in two parts: the trained labels pass as without
    new ones, since tensors of another shape would take other kernels and come out in other bits.
    """
    tokens = queries.norm_tokens(queries.project_tokens(tokens))
    trained, asked = (
        queries.project_labels(rows).expand(len(tokens), -1, -1) for rows in (queries.coordinates, new)
    )
    for layer in queries.layers:
        asked = _refine(layer, asked, trained, tokens)
        trained = layer(trained, tokens)
    return queries.norm(trained), queries.norm(asked)


def _refine(layer: DecoderLayer, asked: Tensor, trained: Tensor, tokens: Tensor) -> Tensor:
    """Refine new labels (B, U, d), each of which sees the trained ones (B, C, d) and itself, in inference."""
    own = layer.norms[0](asked).flatten(0, 1)[:, None]
    seen = layer.norms[0](trained).repeat_interleave(asked.shape[1], dim=0)
    asked = asked + layer.self_attention(own, torch.cat([seen, own], dim=1)).view_as(asked)
    asked = asked + layer.cross_attention(layer.norms[1](asked), tokens)
    return asked + layer.feedforward(layer.norms[2](asked))


def nearest_trained(
    embeddings: np.ndarray, trained: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the trained label whose name is most like that of each new one, by their text alone.

    Takes embeddings (U, D) and (C, D) as :func:`nystrom_coordinates`, and which trained labels count, bool
    (C,). Returns places among the C, int64 (U,), and the cosines of the directions, float64 (U,).
    """
    cosines = np.where(known, directions(embeddings, trained) @ directions(trained, trained).T, -np.inf)
    return cosines.argmax(1), cosines.max(1)
