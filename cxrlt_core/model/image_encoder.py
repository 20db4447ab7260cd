"""Image encoder: any timm network on grey input, its feature map before pooling turned into tokens."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.system.errors import StudyError


class TokenEncoder(nn.Module):
    """A timm network that returns image tokens."""

    def __init__(self, network: nn.Module) -> None:
        """Wrap a network made without classifier."""
        super().__init__()
        self.network = network
        self.width: int = network.num_features

    def forward(self, images: Tensor) -> Tensor:
        """Encode images.

        Args:
            images: float (B, 1, H, W), normalised.

        Returns:
            Tokens (B, T, width): the cells of the last feature map, or a transformer's patch tokens.
        """
        features = self.network.forward_features(images)
        if features.ndim == 3:
            return features[:, getattr(self.network, "num_prefix_tokens", 0) :]
        if getattr(self.network, "output_fmt", "NCHW") == "NHWC":
            return features.flatten(1, 2)
        return features.flatten(2).transpose(1, 2)


def build_image_encoder(name: str, options: Mapping[str, Any]) -> TokenEncoder:
    """Build an untrained encoder.

    Args:
        name: timm's name of the network.
        options: further keyword arguments of the network.
    """
    network = timm.create_model(name, in_chans=1, num_classes=0, **options)
    return TokenEncoder(network)


def load_image_encoder(encoder: ImageEncoder, size: int, key: str) -> TokenEncoder:
    """Build an encoder and load its pretrained weights, if it has any.

    timm sums the weights of the first convolution over RGB for grey input.

    Args:
        encoder: timm name; weights from the hub, from a local .safetensors file, or none.
        size: side of the images in pixels; a blank one is encoded to try the network.
        key: where the encoder stands in params.yaml, for messages.

    Raises:
        StudyError: unknown name, wrong options, weights that cannot be read or fetched, or a network
            that does not turn an image of this size into tokens.
    """
    if not timm.is_model(encoder.model):
        raise StudyError(f"{key}.model: {encoder.model!r} is not a timm network")
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # no line per retry
    options = dict(encoder.options)
    if isinstance(encoder.pretrained, str):
        if not encoder.pretrained.endswith(".safetensors"):
            raise StudyError(f"{key}.pretrained: {encoder.pretrained}: expected a .safetensors file")
        if not Path(encoder.pretrained).is_file():
            raise StudyError(f"{key}.pretrained: {encoder.pretrained}: no such file")
        options["pretrained_cfg_overlay"] = {"file": encoder.pretrained}
    try:
        tokens = build_image_encoder(encoder.model, {**options, "pretrained": bool(encoder.pretrained)})
    except Exception as error:  # timm and the hub raise many kinds; all come from this one setting
        raise StudyError(f"{key}: cannot build {encoder.model!r}: {_reason(error)}") from None
    try:
        with torch.no_grad():
            tokens.eval()(torch.zeros(1, 1, size, size))
    except Exception as error:
        text = f"cannot encode images of {size} × {size} pixels: {_reason(error)}"
        raise StudyError(f"{key}: {encoder.model!r} {text}") from None
    return tokens.train()


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
