"""Foreign layouts of weights that renaming alone cannot express, each turned into one that timm reads."""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

StateDict = Mapping[str, Tensor]


def from_timm(state: StateDict) -> dict[str, Tensor]:
    """Leave the tensors as they are; timm itself reads its own names and those of many authors."""
    return dict(state)


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


def from_transformers_dinov2(state: StateDict) -> dict[str, Tensor]:
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
        out[renamed(name, DINOV2)] = tensor
    return out


def renamed(name: str, rules: tuple) -> str:
    """Apply regular expressions and their replacements in order."""
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


LAYOUTS: dict[str, Callable[[StateDict], dict[str, Tensor]]] = {
    "timm": from_timm,
    "transformers_dinov2": from_transformers_dinov2,
}
#: Names by which a layout is known, for advice.
MARKS = {"transformers_dinov2": QUERY}
