"""Random transforms of a batch as tensor operations on the device, a different one for each image."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cxrlt_core.params import Augment


@dataclass(frozen=True)
class Transforms:
    """One transform an image: geometry float32 (n, 2, 3), tone float32 (n, 2)."""

    geometry: Tensor
    tone: Tensor

    def __getitem__(self, where: slice) -> "Transforms":
        """Return the transforms of some of the images."""
        return Transforms(self.geometry[where], self.tone[where])


def draw_transforms(n: int, ranges: Augment, generator: np.random.Generator) -> Transforms:
    """Draw n transforms, each quantity uniform within its range.

    Args:
        n: number of images.
        ranges: half-widths of the ranges.
        generator: source of the draws; always the same number of them, so that one range can be
            changed without changing what the others draw.
    """
    uniform = generator.uniform(-1, 1, size=(7, n))
    angle = np.deg2rad(ranges.rotate) * uniform[0]
    zoom = 1 + ranges.scale * uniform[1]
    mirror = np.where(ranges.flip & (uniform[2] < 0), -1.0, 1.0)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    shift = 2 * ranges.shift * uniform[3:5]  # grid coordinates span 2
    geometry = np.stack(
        [np.stack([mirror * cos, -sin, shift[0]], 1), np.stack([mirror * sin, cos, shift[1]], 1)], 1
    )
    tone = np.stack([1 + ranges.contrast * uniform[5], ranges.brightness * uniform[6]], 1)
    return Transforms(
        torch.from_numpy(geometry.astype(np.float32)), torch.from_numpy(tone.astype(np.float32))
    )


def apply_transforms(images: Tensor, transforms: Transforms) -> Tensor:
    """Transform normalised images: bilinear affine resampling, then contrast and brightness.

    Args:
        images: float32 (B, 1, H, W).
        transforms: of B images.

    Returns:
        float32 (B, 1, H, W); beyond its border an image repeats its edge.
    """
    geometry = transforms.geometry.to(images.device)
    grid = F.affine_grid(geometry, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    tone = transforms.tone.to(images.device)[:, :, None, None, None]
    return moved * tone[:, 0] + tone[:, 1]
