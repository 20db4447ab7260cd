"""Packed images of one set, gathered into batches: on the device where they fit, else from disk."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.system.device import upload

LOADED_AT_ONCE = 4096  # images
Item = TypeVar("Item")


class PixelStats(NamedTuple):
    """Mean and standard deviation of pixels, 0 to 1."""

    mean: float
    std: float


class Images(Protocol):
    """Images that come in batches."""

    def __len__(self) -> int:
        """Return the number of images in the set."""
        ...

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        ...

    def batches(self, work: Iterable[tuple[np.ndarray, Item]]) -> Generator[tuple[Tensor, Item]]:
        """Yield uint8 (b, 1, H, W) for each array of positions, and what came with the positions.

        A batch may be overwritten once the next one is asked for. Close the generator when done early.
        """
        ...


class PackedImages:
    """The images of a set, in its order, out of one packed uint8 array per source."""

    def __init__(self, arrays: Mapping[str, np.ndarray], sources: Sequence[str], rows: Sequence[int]) -> None:
        """Describe a set.

        Args:
            arrays: source to uint8 (N, H, W).
            sources: source of each image of the set, (n,).
            rows: row of each image in its source's array, (n,).
        """
        self._arrays = [np.asarray(array) for array in arrays.values()]  # indexing a memmap is slower
        position = {name: i for i, name in enumerate(arrays)}
        self._array_of = np.array([position[name] for name in sources], dtype=np.int64)
        self._rows = np.asarray(rows, dtype=np.int64)

    def __len__(self) -> int:
        """Return the number of images in the set."""
        return len(self._rows)

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self._arrays[0].shape[1]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the images, uint8 (H, W)."""
        for array, row in zip(self._array_of, self._rows, strict=True):
            yield self._arrays[array][row]

    def gather(self, positions: np.ndarray) -> Tensor:
        """Copy images out of the arrays.

        Args:
            positions: in the set; int (b,).

        Returns:
            uint8 (b, 1, H, W) on the CPU, in the order asked for.
        """
        out = np.empty((len(positions), 1, self.size, self.size), np.uint8)
        self.gather_into(positions, out)
        return torch.from_numpy(out)

    def gather_into(self, positions: np.ndarray, out: np.ndarray) -> None:
        """Copy images into uint8 (b, 1, H, W)."""
        array_of, rows = self._array_of[positions], self._rows[positions]
        for number, array in enumerate(self._arrays):
            mine = np.flatnonzero(array_of == number)
            mine = mine[np.argsort(rows[mine], kind="stable")]  # disks like rising addresses
            out[mine, 0] = array[rows[mine]]

    def batches(self, work: Iterable[tuple[np.ndarray, Item]]) -> Generator[tuple[Tensor, Item]]:
        """Gather batch after batch; see :class:`Images`."""
        for positions, item in work:
            yield self.gather(positions), item

    def resident(self, device: torch.device, positions: np.ndarray | None = None) -> "ResidentImages":
        """Load the set, or the images at some positions of it, into the memory of the device."""
        positions = np.arange(len(self)) if positions is None else positions
        images = torch.empty((len(positions), 1, self.size, self.size), dtype=torch.uint8, device=device)
        for start in range(0, len(positions), LOADED_AT_ONCE):
            part = positions[start : start + LOADED_AT_ONCE]
            images[start : start + len(part)] = self.gather(part).to(device)
        return ResidentImages(images)


class ResidentImages:
    """A set held in the memory of a device; gathers there."""

    def __init__(self, images: Tensor) -> None:
        """Take the images, uint8 (n, 1, H, W)."""
        self._images = images

    def __len__(self) -> int:
        """Return the number of images in the set."""
        return len(self._images)

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self._images.shape[2]

    def gather(self, positions: np.ndarray) -> Tensor:
        """Return uint8 (b, 1, H, W) on the device, in the order asked for."""
        return self._images[upload(torch.from_numpy(positions), self._images.device)]

    def batches(self, work: Iterable[tuple[np.ndarray, Item]]) -> Generator[tuple[Tensor, Item]]:
        """Gather batch after batch; see :class:`Images`."""
        for positions, item in work:
            yield self.gather(positions), item


def intensity(images: PackedImages, sample: int = 10_000) -> PixelStats:
    """Measure the pixels of at most ``sample`` spaced images."""
    positions = np.unique(np.linspace(0, len(images) - 1, min(sample, len(images))).astype(int))
    histogram = np.zeros(256)
    for part in np.array_split(positions, -(-len(positions) // 1000)):
        histogram += np.bincount(images.gather(part).numpy().ravel(), minlength=256)
    share, values = histogram / histogram.sum(), np.arange(256) / 255
    mean = float((share * values).sum())
    std = float(np.sqrt((share * (values - mean) ** 2).sum()))
    return PixelStats(mean, max(std, 1e-3))


def normalise(images: Tensor, mean: float, deviation: float, gamma: Tensor | None = None) -> Tensor:
    """Turn uint8 (B, 1, H, W) into float32 of zero mean and unit deviation.

    Args:
        images: pixels.
        mean: of the pixels, 0 to 1.
        deviation: of the pixels.
        gamma: power that an image's pixels, 0 to 1, are raised to first; float32 (B,).
    """
    pixels = images.to(torch.float32) / 255
    if gamma is not None:
        pixels = pixels ** upload(gamma, images.device)[:, None, None, None]
    return (pixels - mean) / deviation
