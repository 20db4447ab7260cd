"""Random transforms of a batch as tensor operations on the device, a different one for each image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cxrlt_core.batches.augment import Augment
from cxrlt_core.system.device import upload

ERASED_AREA = (0.02, 0.2)  # of the image
ERASED_ASPECT = 3.3  # longest side over shortest


@dataclass(frozen=True)
class Transforms:
    """One transform per image; None for those whose range is zero."""

    geometry: Tensor  # affine map from output to input coordinates, float32 (n, 2, 3)
    tone: Tensor  # contrast and brightness, float32 (n, 2)
    # exponent of the pixels, for :func:`cxrlt_core.batches.images.normalise`; float32 (n,)
    gamma: Tensor | None = None
    erased: Tensor | None = None  # left, top, right and bottom of a rectangle, 0 to 1; float32 (n, 4)

    def __getitem__(self, where: slice | np.ndarray) -> "Transforms":
        """Return the transforms of some of the images."""
        return self._map(lambda tensor: tensor[where])

    def to(self, device: torch.device) -> "Transforms":
        """Return a copy on the device."""
        return self._map(lambda tensor: upload(tensor, device))

    def _map(self, function: Callable[[Tensor], Tensor]) -> "Transforms":
        parts = (self.geometry, self.tone, self.gamma, self.erased)
        return Transforms(*(None if part is None else function(part) for part in parts))


class UniformSource(Protocol):
    """The part of :class:`numpy.random.Generator` that transforms use."""

    def uniform(self, low: float, high: float, size: tuple[int, int]) -> np.ndarray:
        """Return uniform numbers, float64."""

    def spawn(self, n_children: int) -> Sequence["UniformSource"]:
        """Return independent sources."""


def draw_transforms(n: int, ranges: Augment, generator: UniformSource) -> Transforms:
    """Draw n transforms, each quantity uniform within its range.

    A change of one range leaves the other draws as they are; gamma and erasing draw from a child.
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
    transforms = Transforms(_tensor(geometry), _tensor(tone))
    if not (ranges.gamma or ranges.erase):
        return transforms
    uniform = generator.spawn(1)[0].uniform(0, 1, size=(6, n))
    gamma = (1 + ranges.gamma) ** (2 * uniform[0] - 1)
    return replace(
        transforms,
        gamma=_tensor(gamma) if ranges.gamma else None,
        erased=_tensor(_rectangles(uniform[1:], ranges.erase)) if ranges.erase else None,
    )


def _rectangles(uniform: np.ndarray, share: float) -> np.ndarray:
    """Random erasing (Zhong et al. 2020): a rectangle, empty where nothing is erased; (n, 4)."""
    area = np.interp(uniform[1], (0, 1), ERASED_AREA) * (uniform[0] < share)
    aspect = ERASED_ASPECT ** (2 * uniform[2] - 1)
    sides = np.sqrt([area * aspect, area / aspect])
    corner = uniform[3:5] * (1 - sides)
    return np.concatenate([corner, corner + sides]).T


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def apply_transforms(images: Tensor, transforms: Transforms) -> Tensor:
    """Transform normalised images, float32 (B, 1, H, W): bilinear affine resampling, tone, then erasing.

    An image is continued by its edge, and erased pixels are 0, the mean.
    """
    transforms = transforms.to(images.device)
    grid = F.affine_grid(transforms.geometry, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    tone = transforms.tone[:, :, None, None, None]
    toned = moved * tone[:, 0] + tone[:, 1]
    return toned if transforms.erased is None else _erase(toned, transforms.erased)


def _erase(images: Tensor, rectangles: Tensor) -> Tensor:
    left, top, right, bottom = rectangles.T[:, :, None]
    y, x = ((torch.arange(side, device=images.device) + 0.5) / side for side in images.shape[2:])
    columns, rows = (x >= left) & (x < right), (y >= top) & (y < bottom)
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0.0)
