"""The optimiser: AdamW (Loshchilov and Hutter 2019)."""

from collections.abc import Sequence

import torch
from torch import nn

from cxrlt_core.designs.hooks import Rate


def freeze(model: nn.Module, rates: Sequence[Rate]) -> None:
    """Freeze the parameters whose learning rate is 0."""
    for name, parameter in model.named_parameters():
        if not factor_of(name, rates):
            parameter.requires_grad_(False)


def build_optimiser(
    model: nn.Module, learning_rate: float, weight_decay: float, rates: Sequence[Rate] = ()
) -> torch.optim.AdamW:
    """Optimise what is trained of a model that is on its device.

    Matrices and kernels decay; biases and normalisation layers do not. Each group has the ``factor`` of its
    learning rate.
    """
    trained = [(factor_of(n, rates), p) for n, p in model.named_parameters() if p.requires_grad]
    groups = [
        {"params": params, "weight_decay": decay, "factor": factor}
        for factor in dict.fromkeys(factor for factor, _ in trained)
        for decay, decays in ((weight_decay, True), (0.0, False))
        if (params := [p for f, p in trained if f == factor and (p.ndim > 1) == decays])
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)


def factor_of(parameter: str, rates: Sequence[Rate]) -> float:
    """Return the factor of a parameter's learning rate, by its name in the model."""
    factor = 1.0
    for rate in rates:
        factor *= rate(parameter)
    return factor


def train_mode(model: nn.Module) -> None:
    """Put a model into training mode, but for what is frozen: it drops nothing and keeps its statistics."""
    model.train()
    for layer in model.modules():
        parameters = list(layer.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            layer.eval()
