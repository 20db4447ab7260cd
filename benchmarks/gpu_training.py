"""A training of random images as a process of its own: what its weights are, or how fast it is.

Usage: python -m benchmarks.gpu_training JSON   (the attributes of :class:`Asked`)
"""

import json
import signal
import sys
import tempfile
import warnings
from argparse import Namespace
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.loops import Contestant, make_images, our_training, ours, place
from cxrlt_core.system.device import open_device
from cxrlt_core.system.errors import Stopped
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.loop import Training
from cxrlt_core.training.step import TrainStep


@dataclass(frozen=True)
class Asked:
    """What to train.

    Attributes:
        options: of :mod:`benchmarks.training`.
        images: resident or streaming.
        checkpoints: folder of them, to train to the end and tell the weights; None: tell the speed.
        stop: step that a SIGTERM comes in, from 0; None: none comes.
    """

    options: dict[str, Any]
    images: str = "resident"
    checkpoints: str | None = None
    stop: int | None = None

    @property
    def command(self) -> list[str]:
        """What trains it; the last line that it prints is JSON."""
        return [sys.executable, "-m", "benchmarks.gpu_training", json.dumps(asdict(self))]


def main() -> None:
    """Print what is found; exit code 143 if the training is stopped."""
    print(json.dumps(found(Asked(**json.loads(sys.argv[1])))))


def found(asked: Asked) -> dict[str, Any]:
    """Return ``weights`` and ``unrepeatable``, or ``rate`` and ``memory``."""
    options = Namespace(**asked.options)
    device = open_device(options.device, options.threads)
    with tempfile.TemporaryDirectory() as folder:
        packed, targets = make_images(options, Path(folder))
        images = place(asked.images, packed, device)
        if asked.checkpoints is not None:
            return weights(asked, our_training(options, device, images, targets, options.length))
        contestant = Contestant("ours", ours(options, device, images, targets))
        for _ in range(options.turns):
            contestant.turn(options.steps, options.batch, device)
        return {"rate": float(np.median(contestant.rates)), "memory": contestant.memory}


def weights(asked: Asked, training: Training) -> dict[str, Any]:
    """Train, or go on, to the end; say what the weights are, and what a repetition may do otherwise."""
    if asked.stop is not None:
        training.step = stopped(training.step, asked.stop)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            training.run(Checkpoint(Path(asked.checkpoints), benchmark="gpu"))
        except Stopped as end:
            print(end.saved)
            raise
    words = {str(warning.message).split(",")[0].split(". ")[0] for warning in said}
    unrepeatable = sorted(sentence for sentence in words if "deterministic" in sentence)
    return {"weights": digest(training.state.model), "unrepeatable": unrepeatable}


def stopped(step: TrainStep, at: int) -> TrainStep:
    """Let a SIGTERM come in a step."""

    def watched(number: int, *batch: Any) -> torch.Tensor:
        if number == at:
            signal.raise_signal(signal.SIGTERM)
        return step(number, *batch)

    return watched


def digest(model: nn.Module) -> str:
    """Return a hash of all weights and statistics of a model."""
    found = sha256()
    for tensor in model.state_dict().values():
        found.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]


if __name__ == "__main__":
    main()
