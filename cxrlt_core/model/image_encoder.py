"""Image encoder: any timm network on grey input, its feature map before pooling turned into tokens."""

import inspect
from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from cxrlt_core.model.encoder_spec import EncoderSpec
from cxrlt_core.model.weights import load_weights
from cxrlt_core.params.encoders import refused_option
from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.pretrained.strict import Loaded
from cxrlt_core.pretrained.tensor_files import read_tensor_files
from cxrlt_core.system.errors import StudyError, meant, reason, shown


class TokenEncoder(nn.Module):
    """A timm network that returns image tokens."""

    def __init__(self, network: nn.Module, rescale: tuple[float, float] | None = None) -> None:
        """Wrap a network of timm made without classifier.

        ``rescale``: factor and offset from the study's normalised pixels to those that the weights expect.
        """
        super().__init__()
        self.network, self.rescale = network, rescale
        self.width: int = network.num_features

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images, float (B, 1, H, W), as tokens (B, T, width).

        They are the cells of the last feature map, or a transformer's patch tokens.
        """
        if self.rescale is not None:
            images = images * self.rescale[0] + self.rescale[1]
        features = self.network.forward_features(images)
        if features.ndim == 3:
            return features[:, getattr(self.network, "num_prefix_tokens", 0) :]
        if getattr(self.network, "output_fmt", "NCHW") == "NHWC":
            return features.flatten(1, 2)
        return features.flatten(2).transpose(1, 2)


def build_network(name: str, options: Mapping[str, Any]) -> nn.Module:
    """Build timm's untrained network of that name for grey images, without classifier.

    Nothing but code decides what it is; StudyError where name or options would bring a file or ask a hub.
    """
    if problem := refusal(name, options):
        raise StudyError(problem)
    return timm.create_model(name, in_chans=1, num_classes=0, **options)


def refusal(name: str, options: Mapping[str, Any]) -> str:
    """Say why no network is built of a name and options that somebody has written down; empty if one is."""
    if refused := [option for option in options if refused_option(option)]:
        return f"image_options: {', '.join(refused)}: no option of a network that has been trained"
    if not timm.is_model(name):  # a hub's or a folder's
        return f"image_model: {shown(name)} is not a timm network{meant(name, timm.list_models())}"
    return ""


def load_network(
    encoder: ImageEncoder, spec: EncoderSpec, size: int, key: str
) -> tuple[nn.Module, Loaded | None]:
    """Build the network of an entry and load its weights, if it has any; in training mode.

    Returns what was loaded, too, None where there are no weights. StudyError, which names ``key`` of
    params.yaml: wrong options, a size that patches do not fill, weights not readable or not whole.
    """
    try:
        network = build_network(spec.name, spec.options)
    except Exception as error:  # timm raises many kinds; all come from this one setting
        raise StudyError(f"{key}: cannot build {encoder.model!r}: {reason(error)}") from None
    _check_patches(network, size, key)
    if spec.files is None:
        return network, None
    try:
        return network, load_weights(network, spec.name, read_tensor_files(spec.files.weights), encoder)
    except StudyError as error:
        place = f"{key}.pretrained: cannot load {spec.files.name!r} into {encoder.model!r}"
        raise StudyError(f"{place}: {error}") from None


def _check_patches(network: nn.Module, size: int, key: str) -> None:
    """Reject a size of which a network would silently leave out the rest."""
    embed = getattr(network, "patch_embed", None)
    patch = getattr(embed, "patch_size", 1)
    side = patch if isinstance(patch, int) else patch[0]
    if size % side and not getattr(embed, "dynamic_img_pad", False):
        sizes = (size // side * side, (size // side + 1) * side)
        fits = " or ".join(str(multiple) for multiple in sizes if multiple)
        pads = "dynamic_img_pad" in inspect.signature(type(network)).parameters
        option = ", or options: {dynamic_img_size: true, dynamic_img_pad: true}" if pads else ""
        text = f"patches of {side} pixels do not fill {size} pixels"
        raise StudyError(f"{key}: {text}; expected image.size: {fits}{option}")


def describe_network(network: nn.Module, encoder: ImageEncoder, size: int, key: str) -> dict[str, Any]:
    """Try a network on a blank image, and say what it is.

    Returns ``tokens`` of an image, their ``width``, ``parameters``, and ``gflops``: 10⁹ floating-point
    operations to encode an image, of which a multiplication and an addition are two. StudyError, which
    names ``key`` of params.yaml, when it does not turn an image of this size into tokens.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    counter, tokens = FlopCounterMode(display=False), TokenEncoder(network).eval()
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:  # fused attention is not counted
            shape = tuple(tokens(torch.zeros(1, 1, size, size)).shape)
        if len(shape) != 3 or shape[2] != tokens.width:
            raise ValueError(f"it gives {shape}, expected (1, tokens, {tokens.width})")
    except Exception as error:  # of any network of timm
        text = f"{key}: {encoder.model!r} cannot encode images of {size} × {size} pixels: {reason(error)}"
        if "img_size" in encoder.options:
            text += f"; expected options: {{img_size: {size}}}, or none"
        raise StudyError(text) from None
    parameters = sum(p.numel() for p in network.parameters())
    gflops = round(counter.get_total_flops() / 1e9, 6)
    return {"tokens": shape[1], "width": shape[2], "parameters": parameters, "gflops": gflops}
