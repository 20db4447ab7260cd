"""The optimiser: AdamW (Loshchilov and Hutter 2019)."""

from inspect import unwrap

import torch
from torch import nn


class AdamW(torch.optim.AdamW):
    """PyTorch's AdamW, which does not load the compiler only to keep it out: a second of CPU a process.

    A training compiles its network, never its optimiser. Without their wrappers the methods do the same.
    """

    add_param_group = unwrap(torch.optim.AdamW.add_param_group)
    load_state_dict = unwrap(torch.optim.AdamW.load_state_dict)
    state_dict = unwrap(torch.optim.AdamW.state_dict)
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
    zero_grad = unwrap(torch.optim.AdamW.zero_grad)


def build_optimiser(model: nn.Module, learning_rate: float, weight_decay: float) -> AdamW:
    """Optimise what is trained of a model that is on its device."""
    return AdamW(_parameter_groups(model, weight_decay), lr=learning_rate, fused=True)


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Decay matrices and kernels; leave biases and normalisation layers alone."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
