"""Run a training and compare what came of it."""

from pathlib import Path

import torch

from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.loop import Training

CPU = torch.device("cpu")
Weights = dict[str, torch.Tensor]


def weights(training: Training) -> Weights:
    return {key: value.clone() for key, value in training.state.model.state_dict().items()}


def run(training: Training, folder: Path, name: str = "run") -> Weights:
    training.run(Checkpoint(folder, name=name))
    return weights(training)


def same(one: Weights, two: Weights) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)
