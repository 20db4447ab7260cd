"""Put a training together: here, and only here, each piece gets the parameters and designs that it uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from cxrlt_core.batches.images import Images, PixelStats
from cxrlt_core.designs import result, results
from cxrlt_core.designs.hooks import Context
from cxrlt_core.losses import Loss
from cxrlt_core.params.training import Train
from cxrlt_core.system.device import compiled
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.average import Average, ema
from cxrlt_core.training.loop import Training
from cxrlt_core.training.objective import TrainingLabels, label_objective
from cxrlt_core.training.optimiser import build_optimiser, freeze
from cxrlt_core.training.sampler import BatchSampler
from cxrlt_core.training.schedule import build_schedule
from cxrlt_core.training.state import State
from cxrlt_core.training.step import TrainStep


@dataclass(frozen=True)
class TrainingData:
    """What a model is trained on.

    Attributes:
        images: N images.
        targets: 1, 0 or -1; int8 (N, C).
        classes: names of the C classes.
        class_weights: from :func:`cxrlt_core.training.objective.class_weights`, float (C,).
        pixels: of the images.
    """

    images: Images
    targets: np.ndarray
    classes: Sequence[str]
    class_weights: np.ndarray
    pixels: PixelStats


@dataclass(frozen=True)
class TrainingSettings:
    """How it is trained.

    Attributes:
        train: optimisation.
        loss: from :func:`cxrlt_core.losses.build_loss`.
        seed: of order, transforms, draws and dropout.
        designs: name to settings.
    """

    train: Train
    loss: Loss
    seed: int
    designs: Mapping[str, Any] = field(default_factory=dict)


def build_training(
    model: nn.Module, data: TrainingData, settings: TrainingSettings, ranks: Ranks
) -> Training:
    """Prepare the training of a model, one for every variant.

    Args:
        model: from :func:`cxrlt_core.model.classifier.new_model`.
        data: what it is trained on.
        settings: how.
        ranks: the processes that train together, and the device of this one.

    Raises:
        StudyError: when the images, or a batch, are too few for the parts that a batch is cut into.
    """
    train, designs, seed = settings.train, settings.designs, settings.seed
    model = model.to(ranks.device, memory_format=torch.channels_last)
    schedule = build_schedule(len(data.targets), train, parts=ranks.size * train.accumulate)
    context = Context(data.targets, data.classes, schedule.steps, schedule.steps_per_epoch, ranks.device)
    rates = results(designs, "learning_rate", context)
    freeze(model, rates)
    network = _network(model, data.images.size, train, ranks)
    optimiser = build_optimiser(model, train.learning_rate, train.weight_decay, rates)
    update = result(designs, "average", context) or (ema(train.ema) if train.ema else None)
    average = Average(model, update) if update else None
    sampler = BatchSampler(
        len(data.targets),
        schedule.steps_per_epoch,
        train.augment,
        result(designs, "order", context),
        result(designs, "draw", context),
        seed,
        ranks,
    )
    step = TrainStep(
        network,
        optimiser,
        average,
        _labels(data, settings, context),
        results(designs, "inputs", context),
        result(designs, "step", context),
        schedule,
        data.pixels,
        train,
        seed,
        ranks,
    )
    losses = torch.zeros(schedule.steps_per_epoch, device=ranks.device)
    state = State(model, optimiser, average, losses, schedule.steps)
    return Training(state, step, data.images, sampler, schedule, ranks, train.checkpoint_minutes)


def _labels(data: TrainingData, settings: TrainingSettings, context: Context) -> TrainingLabels:
    """The labels on the device, and what is minimised: the loss of labels, as designs have it."""
    objective = label_objective(settings.loss)
    for change in results(settings.designs, "loss", context):
        objective = change(objective)
    return TrainingLabels(
        torch.from_numpy(data.targets).to(context.device),
        torch.from_numpy(data.class_weights.astype(np.float32)).to(context.device),
        results(settings.designs, "class_weights", context),
        objective,
        result(settings.designs, "forward", context),
    )


def _network(model: nn.Module, size: int, train: Train, ranks: Ranks) -> nn.Module:
    """The model as it is called in training: on several ranks, compiled."""
    blank = torch.zeros(2, 1, size, size, device=ranks.device)
    network = ranks.wrap(model, blank, train.sync_batchnorm)
    return compiled(network, ranks.device) if train.compile else network
