"""Put a training together: here, and only here, each piece gets the parameters that it uses."""

import numpy as np
import torch
from torch import nn

from cxrlt_core.batches.images import Images
from cxrlt_core.batches.plan import Plan
from cxrlt_core.losses import Loss
from cxrlt_core.params.training import Mixup, Train
from cxrlt_core.system.device import compiled
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.training.ema import Ema
from cxrlt_core.training.loop import Training
from cxrlt_core.training.objective import Objective
from cxrlt_core.training.optimiser import build_optimiser
from cxrlt_core.training.schedule import build_schedule
from cxrlt_core.training.state import State
from cxrlt_core.training.step import Step


def build_training(
    model: nn.Module,
    images: Images,
    targets: np.ndarray,
    class_weights: np.ndarray,
    loss: Loss,
    pixels: tuple[float, float],
    settings: Train,
    mixup: Mixup | None,
    seed: int,
    ranks: Ranks,
) -> Training:
    """Prepare the training of a model, one for every variant; the designs enter as arguments.

    Args:
        model: from :func:`cxrlt_core.model.classifier.new_model`.
        images: N images.
        targets: 1, 0 or -1; int8 (N, C).
        class_weights: from :func:`cxrlt_core.training.objective.class_weights`, float (C,).
        loss: from :func:`cxrlt_core.losses.build_loss`.
        pixels: mean and standard deviation of the pixels, 0 to 1.
        settings: optimisation.
        mixup: None trains without MixUp.
        seed: of order, transforms, mixing and dropout.
        ranks: the processes that train together, and the device of this one.

    Raises:
        StudyError: when the images, or a batch, are too few for the parts that a batch is cut into.
    """
    model = model.to(ranks.device, memory_format=torch.channels_last)
    schedule = build_schedule(len(targets), settings, parts=ranks.size * settings.accumulate)
    network = _network(model, images.size, settings.sync_batchnorm, settings.compile, ranks)
    optimiser = build_optimiser(model, settings.learning_rate, settings.weight_decay)
    ema = Ema(model, settings.ema) if settings.ema else None
    step = Step(
        network,
        optimiser,
        ema,
        Objective(targets, class_weights, loss, ranks.device),
        schedule,
        pixels,
        settings.precision,
        settings.accumulate,
        settings.clip,
        seed,
        ranks,
    )
    losses = torch.zeros(schedule.steps_per_epoch, device=ranks.device)
    return Training(
        State(model, optimiser, ema, losses, schedule.steps),
        step,
        images,
        Plan(len(targets), schedule.steps_per_epoch, settings.augment, mixup, seed, ranks),
        schedule,
        ranks,
        settings.checkpoint_minutes,
    )


def _network(model: nn.Module, size: int, sync_batchnorm: bool, compile_: bool, ranks: Ranks) -> nn.Module:
    """The model as it is called in training: on several ranks, compiled."""
    blank = torch.zeros(2, 1, size, size, device=ranks.device)
    network = ranks.wrap(model, blank, sync_batchnorm)
    return compiled(network, ranks.device) if compile_ else network
