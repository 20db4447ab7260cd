"""Weights to start from: those layers of another variant's model that fit."""

from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from cxrlt_core.model.classifier import Classifier, ModelConfig
from cxrlt_core.model.folder import TrainedModel
from cxrlt_core.model.weights import converted

LABELS = "queries.coordinates"  # what a model's own text encoder says of the labels
NETWORK = "encoder.network."


def load_fitting(model: Classifier, config: ModelConfig, parent: TrainedModel) -> list[str]:
    """Load the layers of another model that fit; return the names of the others, which stay as they are.

    A layer fits where both models have the same tensors of it, in the same shapes. Position embeddings are
    resampled to the size of the images. Nothing of another image encoder fits, nor of attention with another
    number of heads, whatever their shapes; what the model knows of its labels is its own.
    """
    theirs = parent.network.state_dict()
    if parent.config.image_model != config.image_model:
        theirs = {name: tensor for name, tensor in theirs.items() if not name.startswith("encoder.")}
    elif parent.config.image_size != config.image_size:
        theirs |= _resampled(model.encoder, config.image_model, theirs)
    if parent.config.query["heads"] != config.query["heads"]:
        theirs = {name: tensor for name, tensor in theirs.items() if not name.startswith("queries.layers.")}
    own, offered = _layers(model.state_dict()), _layers(theirs)
    new = [layer for layer, tensors in own.items() if _shapes(tensors) != _shapes(offered.get(layer, {}))]
    for layer in new:
        offered.pop(layer, None)
    model.load_state_dict({k: v for tensors in offered.values() for k, v in tensors.items()}, strict=False)
    return list(dict.fromkeys(_named(new, own)))


def _resampled(encoder: nn.Module, image_model: str, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    network = getattr(encoder, "network", None)
    if network is None:  # a design's own encoder
        return {}
    state = {n.removeprefix(NETWORK): tensor for n, tensor in weights.items() if n.startswith(NETWORK)}
    return {f"{NETWORK}{name}": tensor for name, tensor in converted(network, image_model, state).items()}


def _layers(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Group tensors by the layer that has them."""
    layers: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if name != LABELS:
            layers.setdefault(name.rpartition(".")[0], {})[name] = tensor
    return layers


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _named(new: list[str], own: Mapping[str, object]) -> Iterator[str]:
    """Yield layers, or the part of the model that has them, where all of it is new."""
    for layer in new:
        part = layer.partition(".")[0]
        whole = [name for name in own if name.partition(".")[0] == part]
        yield part if set(whole) <= set(new) else layer
