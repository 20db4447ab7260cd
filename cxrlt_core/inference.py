"""Inference: probabilities of every image of a set, in the set's order, none lost and none counted twice."""

import numpy as np
import torch
from torch import nn

from cxrlt_core.augment import Transforms, apply_transforms
from cxrlt_core.device import autocast
from cxrlt_core.images import PackedImages, ResidentImages, normalise
from cxrlt_core.progress import progress


@torch.inference_mode()
def predict(
    model: nn.Module,
    images: PackedImages | ResidentImages,
    pixels: tuple[float, float],
    device: torch.device,
    precision: str,
    batch_size: int,
    transforms: Transforms | None = None,
) -> np.ndarray:
    """Predict a set.

    Args:
        model: a trained model.
        images: N images.
        pixels: mean and standard deviation that the model was trained with.
        device: to run on.
        precision: ``auto``, ``bf16`` or ``fp32``.
        batch_size: images a step.
        transforms: one for each image (a view of test-time augmentation); None leaves images as they are.

    Returns:
        Probabilities, float32 (N, C).
    """
    model = model.to(device, memory_format=torch.channels_last).eval()
    outputs = []
    starts = range(0, len(images), batch_size)
    for start in progress(starts, unit="batch", description="predict"):
        positions = np.arange(start, min(start + batch_size, len(images)))
        batch = normalise(images.gather(positions).to(device), *pixels)
        if transforms is not None:
            batch = apply_transforms(batch, transforms[start : start + len(positions)])
        with autocast(device, precision):
            logits = model(batch.contiguous(memory_format=torch.channels_last))
        outputs.append(torch.sigmoid(logits))
    return torch.cat(outputs).cpu().numpy()
