"""The model: S(x) = Φ_query(Φ_image(x), Φ_text(Y)), from image to one logit per label."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from cxrlt_core.batches.images import PixelStats
from cxrlt_core.designs import find_design, result
from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.model.image_encoder import TokenEncoder, build_network
from cxrlt_core.model.query_network import QueryDecoder, label_coordinates
from cxrlt_core.params.schema import Fit
from cxrlt_core.params.schema import QueryNetwork as QuerySettings
from cxrlt_core.system.errors import StudyError


@dataclass(frozen=True)
class ModelConfig:
    """All that is needed to rebuild a model and to feed it."""

    classes: Sequence[str]
    image_model: str
    image_options: dict[str, Any]
    image_pixels: Sequence[float] | None  # mean and deviation that the encoder expects; None: the study's
    image_size: int  # pixels
    pixel_mean: float  # of the study, 0 to 1
    pixel_deviation: float
    text: str
    query: dict[str, Any]
    image_fit: Fit  # how an image of another shape became square
    precision: Literal["auto", "bf16", "fp32"]
    augment: dict[str, Any]  # ranges of the random transforms in training
    designs: dict[str, dict[str, Any]]  # those that predictions need: name to settings
    drawn: Sequence[str]  # sources whose images it has seen and the demo drew; none where all were real
    decoder: str | None = None  # what decoded its images, as packing.decoder says; None: it was not noted

    def to_json(self) -> dict[str, Any]:
        """Return the content of config.json."""
        return asdict(self)

    @property
    def design_settings(self) -> Mapping[str, Any]:
        """Name of each design to its settings."""
        return {name: find_design(name).Settings(**given) for name, given in self.designs.items()}

    @property
    def pixels(self) -> PixelStats:
        """Of the images that the model was trained on."""
        return PixelStats(self.pixel_mean, self.pixel_deviation)

    @property
    def rescale(self) -> tuple[float, float] | None:
        """Factor and offset from the study's normalised pixels to those that the encoder expects."""
        if self.image_pixels is None:
            return None
        mean, deviation = self.image_pixels
        return self.pixel_deviation / deviation, (self.pixel_mean - mean) / deviation


class SharedClassifier(nn.Module):
    """One linear layer scores the feature vector of every class."""

    def __init__(self, width: int, prior_logits: Tensor) -> None:
        """Start at the mean of the prior logits (C,)."""
        super().__init__()
        self.linear = nn.Linear(width, 1)
        nn.init.constant_(self.linear.bias, float(prior_logits.mean()))

    def forward(self, features: Tensor) -> Tensor:
        """Score label features (B, C, d) as logits (B, C)."""
        return self.linear(features)[..., 0]


class Classifier(nn.Module):
    """Image encoder, query network and last layer; a head of a design's takes the tokens as they are."""

    def __init__(self, encoder: nn.Module, queries: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.queries, self.head = encoder, queries, head

    def forward(self, images: Tensor) -> Tensor:
        """Score normalised images (B, 1, H, W) as float32 logits (B, C)."""
        features = self.queries(self.encoder(images))
        with torch.autocast(images.device.type, enabled=False):
            return self.head(features.float())

    def attention(self, images: Tensor) -> Tensor:
        """Tell where each label looks in normalised images (B, 1, H, W), float32 (B, C, h, w).

        For each cell of the encoder's last feature map its share of the label's cross-attention, the mean
        over heads and layers; the cells of an image add up to 1. StudyError when the encoder's tokens are
        no square grid, or no label asks the image.
        """
        if not isinstance(self.queries, QueryDecoder):
            raise StudyError("attention: this model has no label queries; expected one without a head")
        tokens = self.encoder(images)
        side = math.isqrt(tokens.shape[1])
        if side * side != tokens.shape[1]:
            raise StudyError(f"attention: {tokens.shape[1]} tokens of an image, expected a square grid")
        return self.queries.attention(tokens).unflatten(-1, (side, side))


def new_model(
    config: ModelConfig, network: nn.Module, embeddings: np.ndarray, targets: np.ndarray
) -> Classifier:
    """Build a model that is ready to be trained; draws from torch's global generator.

    ``network`` is of the image encoder, with its pretrained weights; embeddings of the labels are float (C,
    D); targets of the training set, int8 (N, C), set the prior.
    """
    return _assemble(config, network, label_coordinates(embeddings), prior_logits(targets))


def rebuild_model(config: ModelConfig, weights: dict[str, Tensor]) -> Classifier:
    """Rebuild a trained model from its configuration and the content of its model.safetensors."""
    classes = len(config.classes)
    network = build_network(config.image_model, config.image_options)
    model = _assemble(config, network, np.zeros((classes, classes), np.float32), np.zeros(classes))
    model.load_state_dict(weights)
    return model.eval()


def _assemble(
    config: ModelConfig, network: nn.Module, coordinates: np.ndarray, prior: np.ndarray
) -> Classifier:
    designs, settings = config.design_settings, QuerySettings(**config.query)
    encoder = TokenEncoder(network, config.rescale)
    encoder = result(designs, "encoder", encoder) or encoder
    shape = NetworkShape(encoder.width, settings.width, torch.from_numpy(prior.astype(np.float32)))
    if (head := result(designs, "head", shape)) is not None:
        return Classifier(encoder, nn.Identity(), head)
    queries = QueryDecoder(settings, torch.from_numpy(coordinates), encoder.width)
    classifier = result(designs, "classifier", shape) or SharedClassifier(settings.width, shape.prior_logits)
    return Classifier(encoder, queries, classifier)


def prior_logits(targets: np.ndarray) -> np.ndarray:
    """Logit of each class's share of positives among its known labels, (C,).

    Half a positive and half a negative are added, so that a class without either stays finite.
    """
    positive = (targets == POSITIVE).sum(0) + 0.5
    known = (targets != UNKNOWN).sum(0) + 1.0
    share = positive / known
    return np.log(share / (1 - share))
