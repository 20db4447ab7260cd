"""An average of the weights, kept beside them and saved in place of the last ones."""

from collections.abc import Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cxrlt_core.designs import hooks


def ema(decay: float) -> hooks.Average:
    """Average exponentially (Polyak and Juditsky 1992).

    The decay warms up, min(decay, (1 + t) / (10 + t)), so that a short run forgets where it began.
    """

    def update(averages: list[Tensor], parameters: list[Tensor], step: int) -> None:
        torch._foreach_lerp_(averages, parameters, 1 - min(decay, (1 + step) / (10 + step)))

    return update


class Average:
    """Averaged parameters of a model; buffers are not averaged: the model's own are the right ones."""

    def __init__(self, model: nn.Module, update: hooks.Average) -> None:
        """Start at the model's parameters, on its device."""
        self._update = update
        self._parameters = list(model.parameters())
        self.averages = [p.detach().clone() for p in self._parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after a step, counted from 0."""
        self._update(self.averages, self._parameters, step)

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
