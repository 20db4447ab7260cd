"""Inference: probabilities of every image of a set, in the set's order, none lost and none counted twice."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from cxrlt_core.augment import Transforms, apply_transforms
from cxrlt_core.device import autocast, explain_out_of_memory
from cxrlt_core.distributed import Ranks
from cxrlt_core.images import Images, normalise
from cxrlt_core.progress import progress

ADVICE = "lower compute.batch_size, or set train.resident: never"


@torch.inference_mode()
def predict(
    model: nn.Module,
    images: Images,
    pixels: tuple[float, float],
    device: torch.device,
    precision: str,
    batch_size: int,
    transforms: Transforms | None = None,
    ranks: Ranks | None = None,
) -> np.ndarray:
    """Predict a set.

    Args:
        model: a trained model.
        images: N images.
        pixels: mean and standard deviation that the model was trained with.
        device: to run on.
        precision: ``auto``, ``bf16`` or ``fp32``.
        batch_size: images a step, on each rank.
        transforms: one for each image (a view of test-time augmentation); None leaves images as they are.
        ranks: the processes that share the images; this one alone if absent.

    Returns:
        Probabilities, float32 (N, C), on every rank.

    Raises:
        StudyError: when the device has too little memory.
    """
    ranks = ranks or Ranks(device)
    model = model.to(device, memory_format=torch.channels_last).eval()
    mine = ranks.share(len(images))
    shown = mine if len(mine) else np.zeros(1, np.int64)  # who has none still learns the number of classes
    outputs = []
    with (
        progress(len(shown) if ranks.leads else 0, unit="image", description="predict") as bar,
        explain_out_of_memory(ADVICE),
    ):
        for batch, positions in images.batches(_cut(shown, batch_size)):
            views = None if transforms is None else transforms[positions].to(device)
            batch = normalise(batch.to(device, non_blocking=True), *pixels, views and views.gamma)
            if views is not None:
                batch = apply_transforms(batch, views)
            with autocast(device, precision):
                logits = model(batch.contiguous(memory_format=torch.channels_last))
            outputs.append(torch.sigmoid(logits))
            bar.update(len(positions))
    return ranks.collect(torch.cat(outputs)[: len(mine)], len(images)).cpu().numpy()


def _cut(positions: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, len(positions), size):
        part = positions[start : start + size]
        yield part, part
