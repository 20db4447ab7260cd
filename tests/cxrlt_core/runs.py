"""Run a training and compare what came of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.loop import Training

CPU = torch.device("cpu")
Weights = dict[str, torch.Tensor]
Watch = Callable[[int], object]


def weights(training: Training) -> Weights:
    return {key: value.clone() for key, value in training.state.model.state_dict().items()}


def run(training: Training, folder: Path, name: str = "run") -> Weights:
    training.run(Checkpoint(folder, name=name))
    return weights(training)


def same(one: Weights, two: Weights) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def watch_steps(
    training: Training, before: Watch = lambda _: None, after: Watch = lambda _: None
) -> Training:
    """Call functions with the number of each step, before and after it."""
    step = training.step

    def watched(number: int, *batch: Any) -> torch.Tensor:
        before(number)
        loss = step(number, *batch)
        after(number)
        return loss

    training.step = watched
    return training
