"""Exponential moving average of the weights (Polyak and Juditsky 1992), saved instead of the last ones."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Averaged parameters of a model; buffers are not averaged: the model's own are the right ones."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        """Start at the model's parameters, on its device."""
        self.decay = decay
        self._parameters = list(model.parameters())
        self.averages = [p.detach().clone() for p in self._parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the parameters after a step, counted from 0.

        The decay warms up, min(decay, (1 + t) / (10 + t)), so that a short run forgets where it began.
        """
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.averages, self._parameters, 1 - decay)

    @torch.no_grad()
    def copy_to_model(self) -> None:
        """Replace the model's parameters by their averages."""
        torch._foreach_copy_(self._parameters, self.averages)

    @contextmanager
    def in_model(self) -> Generator[None]:
        """Let the model hold the averages for a while, and then its own parameters, to the bit."""
        own = [p.detach().clone() for p in self._parameters]
        self.copy_to_model()
        try:
            yield
        finally:
            with torch.no_grad():
                torch._foreach_copy_(self._parameters, own)

    @torch.no_grad()
    def load(self, averages: list[Tensor]) -> None:
        """Go on from stored averages."""
        torch._foreach_copy_(self.averages, averages)
