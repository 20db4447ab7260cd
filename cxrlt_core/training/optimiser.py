"""The optimiser: AdamW (Loshchilov and Hutter 2019)."""

import torch
from torch import nn


def build_optimiser(model: nn.Module, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Optimise what is trained of a model that is on its device."""
    return torch.optim.AdamW(_parameter_groups(model, weight_decay), lr=learning_rate, fused=True)


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Decay matrices and kernels; leave biases and normalisation layers alone."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
