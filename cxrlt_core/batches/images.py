"""Packed images of one set, gathered into batches: on the device if they fit, else from disk."""

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
    """A set of images that yields batches."""

    def __len__(self) -> int:
        """Return the number of images in the set."""

    @property
    def size(self) -> int:
        """Side of an image in pixels."""

    def batches(self, work: Iterable[tuple[np.ndarray, Item]]) -> Generator[tuple[Tensor, Item]]:
        """Yield uint8 (b, 1, H, W) for each array of positions, with the item that came with it.

        A batch may be overwritten once the next one is asked for. Close the generator when done early.
        """


class PackedImages:
    """The images of a set, in its order, from one packed uint8 array per source."""

    def __init__(self, arrays: Mapping[str, np.ndarray], sources: Sequence[str], rows: Sequence[int]) -> None:
        """Locate images by source and row, each (n,), in the uint8 (N, H, W) of each source."""
        self._arrays = [np.asarray(array) for array in arrays.values()]  # indexing a memmap is slower
        number = {name: i for i, name in enumerate(arrays)}
        self._array_of = np.array([number[name] for name in sources], dtype=np.int64)
        self._rows = np.asarray(rows, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self._arrays[0].shape[1]

    def take(self, positions: np.ndarray) -> "PackedImages":
        """Return a set of some of the images, in the order of their positions (n,)."""
        taken = object.__new__(PackedImages)
        taken._arrays, taken._array_of = self._arrays, self._array_of[positions]
        taken._rows = self._rows[positions]
        return taken

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield the images, uint8 (H, W)."""
        for array, row in zip(self._array_of, self._rows, strict=True):
            yield self._arrays[array][row]

    def gather(self, positions: np.ndarray) -> Tensor:
        """Copy the images at some positions, int (b,): uint8 (b, 1, H, W) on the CPU, in that order."""
        out = np.empty((len(positions), 1, self.size, self.size), np.uint8)
        self.gather_into(positions, out)
        return torch.from_numpy(out)

    def gather_into(self, positions: np.ndarray, out: np.ndarray) -> None:
        """Copy images into uint8 (b, 1, H, W)."""
        array_of, rows = self._array_of[positions], self._rows[positions]
        for number, array in enumerate(self._arrays):
            indices = np.flatnonzero(array_of == number)
            indices = indices[np.argsort(rows[indices], kind="stable")]  # disks like rising addresses
            out[indices, 0] = array[rows[indices]]

    def batches(self, work: Iterable[tuple[np.ndarray, Item]]) -> Generator[tuple[Tensor, Item]]:
        """Gather batch after batch; see :class:`Images`."""
        for positions, item in work:
            yield self.gather(positions), item

    def resident(self, device: torch.device, positions: np.ndarray | None = None) -> "ResidentImages":
        """Load the set, or the images at some of its positions, into device memory."""
        positions = np.arange(len(self)) if positions is None else positions
        images = torch.empty((len(positions), 1, self.size, self.size), dtype=torch.uint8, device=device)
        for start in range(0, len(positions), LOADED_AT_ONCE):
            part = positions[start : start + LOADED_AT_ONCE]
            images[start : start + len(part)] = self.gather(part).to(device)
        return ResidentImages(images)


class ResidentImages:
    """A set in device memory."""

    def __init__(self, images: Tensor) -> None:
        """Take the images, uint8 (n, 1, H, W)."""
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    @property
    def size(self) -> int:
        """Side of an image in pixels."""
        return self._images.shape[2]

    def gather(self, positions: np.ndarray) -> Tensor:
        """Return the images at some positions, int (b,): uint8 (b, 1, H, W) on the device."""
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


def normalise(images: Tensor, mean: float, std: float, gamma: Tensor | None = None) -> Tensor:
    """Turn uint8 (B, 1, H, W) into float32 with mean 0 and standard deviation 1.

    ``mean`` and ``std`` are of the pixels, 0 to 1; ``gamma``, float32 (B,), their exponent before that.
    """
    pixels = images.to(torch.float32) / 255
    if gamma is not None:
        pixels = pixels ** upload(gamma, images.device)[:, None, None, None]
    return (pixels - mean) / std
