"""Inference: probabilities of every image of a set, in the set's order, none lost and none counted twice."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from cxrlt_core.batches.images import PackedImages, PixelStats, normalise
from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.batches.transforms import Transforms, apply_transforms
from cxrlt_core.designs import results
from cxrlt_core.model.folder import TrainedModel
from cxrlt_core.system.device import autocast, explain_out_of_memory
from cxrlt_core.system.distributed import Ranks
from cxrlt_core.system.progress import progress

ADVICE = "lower compute.batch_size"


@dataclass(frozen=True)
class Scorer:
    """A network and how it is fed: pixels that it was trained with, and ``auto``, ``bf16`` or ``fp32``."""

    network: nn.Module
    pixels: PixelStats
    precision: str

    @classmethod
    def of(cls, model: TrainedModel) -> Self:
        """Feed a model as it was trained."""
        return cls(model.network, model.config.pixels, model.config.precision)

    def __call__(self, images: Tensor, view: Transforms | None = None) -> Tensor:
        """Return the probabilities of a batch, float32 (b, C); its images are uint8 (b, 1, H, W)."""
        prepared = prepare(images, self.pixels, view)
        with autocast(images.device, self.precision):
            return torch.sigmoid(self.network(prepared))


@torch.inference_mode()
def predict(
    scorer: Scorer,
    images: PackedImages,
    device: torch.device,
    batch_size: int,
    views: Sequence[Transforms | None] = (None,),
    ranks: Ranks | None = None,
) -> list[np.ndarray]:
    """Predict a set, once for each view; every image is read once, and each rank reads its share.

    A view has a transform for each image; None leaves images as they are. Returns the probabilities of each
    view, float32 (N, C), on every rank. StudyError when the device has too little memory.
    """
    ranks = ranks or Ranks(device)
    scorer.network.to(device, memory_format=torch.channels_last).eval()
    mine = ranks.share(len(images))
    shown = mine if len(mine) else np.zeros(1, np.int64)  # who has none still learns the number of classes
    parts = (shown[start : start + batch_size] for start in range(0, len(shown), batch_size))
    outputs: list[list[Tensor]] = [[] for _ in views]
    with (
        progress(len(shown) if ranks.is_main else 0, unit="image", description="predict") as bar,
        explain_out_of_memory(ADVICE),
        closing(StreamedImages(images, device).batches((part, part) for part in parts)) as batches,
    ):
        for batch, positions in batches:
            for output, view in zip(outputs, views, strict=True):
                output.append(scorer(batch, None if view is None else view[positions].to(device)))
            bar.update(len(positions))
    return [ranks.collect(torch.cat(output)[: len(mine)], len(images)).cpu().numpy() for output in outputs]


def posthoc(designs: Mapping[str, Any], classes: Sequence[str], probabilities: np.ndarray) -> np.ndarray:
    """Return what designs make of predicted probabilities, float32 (N, C); views are averaged by then."""
    for change in results(designs, "probabilities", classes):
        probabilities = change(probabilities)
    return probabilities


def prepare(images: Tensor, pixels: tuple[float, float], view: Transforms | None = None) -> Tensor:
    """Normalise and transform; uint8 (b, 1, H, W) to float32."""
    images = normalise(images, *pixels, view and view.gamma)
    if view is not None:
        images = apply_transforms(images, view)
    return images.contiguous(memory_format=torch.channels_last)
