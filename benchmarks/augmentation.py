"""Random transforms of a batch: ours, torchvision image by image, and kornia where it is installed."""

import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from cxrlt_core.batches.augment import Augment
from cxrlt_core.batches.transforms import apply_transforms, draw_transforms
from cxrlt_core.reporting.markdown import markdown_table

TURNS, SECONDS = 5, 1.0


def compare_augmentation(ranges: Augment, size: int, batch: int, device: torch.device) -> str:
    """Return a markdown table of images per second, random draws included."""
    images = torch.rand(batch, 1, size, size, device=device)
    methods = {"ours": _ours(ranges, batch), "torchvision v2, image by image": _torchvision(ranges)}
    if find_spec("kornia"):
        methods["kornia"] = _kornia(ranges)
    rates: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(TURNS):
        for name, method in methods.items():
            rates[name].append(_rate(method, images))
    ours = np.array(rates["ours"])
    rows = [
        [name, f"{np.median(r):,.0f}", f"{np.median(ours / np.array(r)):.1f}"] for name, r in rates.items()
    ]
    return markdown_table(["transforms", "img/s", "times slower than ours"], rows)


def _ours(ranges: Augment, batch: int) -> Callable[[Tensor], Tensor]:
    generator = np.random.default_rng(0)
    return lambda images: apply_transforms(images, draw_transforms(batch, ranges, generator))


def _torchvision(ranges: Augment) -> Callable[[Tensor], Tensor]:
    shift, zoom = (ranges.shift, ranges.shift), (1 - ranges.scale, 1 + ranges.scale)
    transform = v2.Compose(
        [
            v2.RandomAffine(ranges.rotate, shift, zoom, interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(ranges.brightness, ranges.contrast),
        ]
    )
    return lambda images: torch.stack([transform(image) for image in images])


def _kornia(ranges: Augment) -> Callable[[Tensor], Tensor]:
    from kornia.augmentation import AugmentationSequential, ColorJitter, RandomAffine

    shift, zoom = (ranges.shift, ranges.shift), (1 - ranges.scale, 1 + ranges.scale)
    return AugmentationSequential(
        RandomAffine(ranges.rotate, shift, zoom, p=1.0),
        ColorJitter(ranges.brightness, ranges.contrast, p=1.0),
    )


def _rate(method: Callable[[Tensor], Tensor], images: Tensor) -> float:
    """Images per second, after a warm-up call."""
    method(images)
    _wait(images)
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        method(images)
        calls += 1
    _wait(images)
    return calls * len(images) / (time.perf_counter() - start)


def _wait(images: Tensor) -> None:
    if images.is_cuda:
        torch.cuda.synchronize(images.device)
