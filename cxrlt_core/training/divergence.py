"""The alarm: a run whose loss or weights are no longer finite numbers ends there."""

from typing import NoReturn

import torch
from torch import Tensor, nn

from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.schedule import Schedule


def finite_mean(losses: Tensor, first: int, schedule: Schedule) -> float:
    """Mean loss of some steps; waits for the device.

    Args:
        losses: float32 (steps,).
        first: number of the first of these steps.
        schedule: of the run.

    Raises:
        StudyError: when a loss is not a finite number.
    """
    losses = losses.double().cpu()
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        _diverged(f"the loss is {losses[bad[0]].item()}", first + int(bad[0]), schedule)
    return float(losses.mean())


def check_weights(model: nn.Module, step: int, schedule: Schedule) -> None:
    """Wait for a step to be done and look at its weights.

    Raises:
        StudyError: when a weight is not a finite number.
    """
    norms = torch.stack(torch._foreach_norm(list(model.parameters())))
    if not bool(norms.isfinite().all()):
        _diverged("the weights are not finite", step, schedule)


def _diverged(what: str, step: int, schedule: Schedule) -> NoReturn:
    raise StudyError(
        f"training diverged: {what} in epoch {schedule.epoch(step) + 1}, step {step + 1} of {schedule.steps},"
        f" at learning rate {schedule.learning_rate(step):.3g}; try a train.learning_rate below"
        f" {schedule.peak:g} or train.clip: 1"
    )
