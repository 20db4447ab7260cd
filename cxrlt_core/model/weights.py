"""Weights of an image encoder: plain tensors, renamed to fit, and whole or an error."""

import inspect
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import torch
from timm.models import adapt_input_conv, model_entrypoint
from timm.models._input import get_model_traits
from torch import Tensor, nn

from cxrlt_core.params.schema import ImageEncoder
from cxrlt_core.pretrained.strict import Loaded, load_strict, matches
from cxrlt_core.system.errors import StudyError

#: Where a classifier lies: what a file has there, and the network has not, is left.
HEADS = ("aux_head.*", "classif.*", "classifier.*", "fc.*", "head.*", "head_dist.*", "heads.*",
         "last_linear.*")  # fmt: skip
#: What a file may lack: what pools and normalises for a classifier, as tokens are taken before, and the
#: batches that batch normalisation counts, absent from old files.
MAY_LACK = ("head.norm.*", "head.pre_logits.*", "*.num_batches_tracked")
#: What timm's families of networks call their conversion of authors' layouts.
CONVERSIONS = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")

#: Patterns of names in transformers' Dinov2Model, in order, and what DINOv2 itself calls them.
DINOV2 = (
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^embeddings\.", ""),  # cls_token, mask_token, register_tokens
    (r"^encoder\.layer\.", "blocks."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.layer_scale(\d)\.lambda1$", r".ls\1.gamma"),
    (r"\.mlp\.weights_in\.", ".mlp.w12."),
    (r"\.mlp\.weights_out\.", ".mlp.w3."),
    (r"^layernorm\.", "norm."),
)
QUERY = ".attention.attention.query."


def load_weights(
    network: nn.Module, name: str, tensors: Mapping[str, Tensor], encoder: ImageEncoder
) -> Loaded:
    """Load tensors of a file into timm's network of that name for grey images, all that it needs or none.

    Weights of an RGB network are summed over its three channels; what belongs to a classifier is left.
    StudyError says how many tensors are missing, unexpected, misshapen or not finite, names the first of
    each, and what would obviously fit; or two tensors that get the same name.
    """
    state = dict(converted(network, name, renamed_weights(tensors, encoder)))
    expected = network.state_dict()
    _sum_colours(network, state, expected)
    try:
        return load_strict(network, state, HEADS, MAY_LACK)
    except StudyError as error:
        advice = _advice(tensors, expected, encoder)
        raise StudyError("; ".join([*advice, str(error)])) from None


def renamed_weights(tensors: Mapping[str, Tensor], encoder: ImageEncoder) -> dict[str, Tensor]:
    """Take the tensors under ``prefix`` and drop it, apply ``rename`` in order, then convert ``layout``."""
    prefix, taken = encoder.prefix or "", {}
    for name, tensor in tensors.items():
        if name.startswith(prefix) and (new := _renamed(name.removeprefix(prefix), encoder.rename)):
            if new in taken:
                raise StudyError(f"rename gives {new!r} to {name!r} and to another tensor")
            taken[new] = tensor
    return LAYOUTS[encoder.layout](taken)


def _renamed(name: str, rules: Sequence[Sequence[str | None]]) -> str | None:
    for pattern, replacement in rules:
        if replacement is not None:
            name = re.sub(pattern, replacement, name)
        elif re.search(pattern, name):
            return None
    return name


def converted(network: nn.Module, name: str, state: dict[str, Tensor]) -> Mapping[str, Tensor]:
    """Apply timm's conversion of authors' layouts, which resamples position embeddings, too.

    Where it breaks down, its input shows better what is wrong.
    """
    family = sys.modules[model_entrypoint(name).__module__]
    convert = next((getattr(family, known) for known in CONVERSIONS if hasattr(family, known)), None)
    if convert is None:
        return state
    parameters = inspect.signature(convert).parameters
    options = {"adapt_layer_scale": True} if "adapt_layer_scale" in parameters else {}  # DeiT III's names
    try:
        return convert(*(dict(state), network)[: len(parameters)], **options)
    except Exception:  # whatever a converter meets in tensors of another network
        return state


def _sum_colours(network: nn.Module, state: dict[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Make the first convolution one for grey images, as timm does."""
    first = get_model_traits(network).get("first_conv") or ()
    for name in (first,) if isinstance(first, str) else first:
        weight, wanted = state.get(f"{name}.weight"), expected.get(f"{name}.weight")
        if weight is None or wanted is None or weight.ndim != 4 or wanted.ndim != 4:
            continue
        if weight.shape[1] == 3 * wanted.shape[1]:
            state[f"{name}.weight"] = adapt_input_conv(1, weight)


def _advice(tensors: Collection[str], expected: Mapping[str, Tensor], encoder: ImageEncoder) -> Iterator[str]:
    """Say which layout or prefix would fit, if one obviously does."""
    for layout, mark in MARKS.items():
        if encoder.layout != layout and any(mark in name for name in tensors):
            yield f"it looks like layout: {layout}"
            return
    prefix = fitting_prefix(tensors, expected)
    if prefix is not None and prefix != (encoder.prefix or ""):
        yield f"prefix: {prefix or 'null'} would fit"


def fitting_prefix(names: Collection[str], expected: Collection[str]) -> str | None:
    """Find what stands before the names of nearly all tensors that a network needs; None if nothing does."""
    prefixes: Counter[str] = Counter()
    for name in names:
        starts = [0, *(at + 1 for at, sign in enumerate(name) if sign == ".")]
        prefixes.update(name[:start] for start in starts if name[start:] in expected)
    needed = sum(not matches(name, MAY_LACK) for name in expected)
    best, count = next(iter(prefixes.most_common(1)), (None, 0))
    return best if count >= 0.9 * needed else None


def from_transformers_dinov2(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn transformers' Dinov2Model, with or without registers, into DINOv2's own layout.

    Query, key and value, which transformers keep apart, become DINOv2's one projection. Oquab et al. 2023;
    Darcet et al. 2024 (registers).
    """
    out = {}
    for name, tensor in state.items():
        if QUERY in name:
            parts = [state.get(name.replace(QUERY, QUERY.replace("query", k))) for k in ("key", "value")]
            if None in parts:
                continue  # the projection is then missing, and said to be
            name, tensor = name.replace(QUERY, ".attn.qkv."), torch.cat([tensor, *parts])
        elif ".attention.attention." in name:
            continue
        out[_renamed(name, DINOV2)] = tensor
    return out


#: Layouts of weights to what turns each into one that timm reads, beyond its own and those of many authors.
LAYOUTS: dict[str, Callable[[Mapping[str, Tensor]], dict[str, Tensor]]] = {
    "timm": dict,
    "transformers_dinov2": from_transformers_dinov2,
}
#: Names by which a layout is known, for advice.
MARKS = {"transformers_dinov2": QUERY}
