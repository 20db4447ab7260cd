"""Design 5, test-time augmentation: average the probabilities of several random views of an image.

Cost: prediction takes as many times as long as there are views.
Said to help: as a part of the published study.
Claimed: +0.0027 mAP (CXR-LT 2023), arXiv:2308.08853; of a flip, +0.0026 to +0.005 mAP (CXR-LT 2026,
validation), github.com/nhan03bit/ISBI_2026.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from cxrlt_core.batches.augment import Augment
from cxrlt_core.system.settings import Count, Section, Seed, usual

if TYPE_CHECKING:  # every stage reads these settings; torch takes two seconds
    from cxrlt_core.batches.transforms import Transforms

TITLE = "TTA"
SOURCE = "Shanmugam et al. 2021, arXiv:2011.11156"

_GOLDEN, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL = 2**64 - 1


class Tta(Section):
    """Test-time augmentation: random views an image, probabilities averaged."""

    views: Count = usual(8)
    seed: Seed = usual(0)
    augment: Augment


def views(settings: Tta, contents: np.ndarray) -> list[Transforms]:
    """Return the views that the prediction of an image averages; see :func:`draw_views`."""
    return draw_views(contents, settings)


def draw_views(contents: np.ndarray, settings: Tta) -> list[Transforms]:
    """Draw the views of n images.

    A view depends on the seed, its number and the pixels of its image alone: not on the model, the set, the
    batch or the device. So variants that see images in one size are scored on the same views, and an image
    alone gets those that it has in a study.

    Args:
        contents: from :func:`contents_of`, uint64 (n,).
        settings: number of views, their ranges and seed.

    Returns:
        ``settings.views`` sets of n transforms.
    """
    from cxrlt_core.batches.transforms import draw_transforms

    seed = _mixed(np.full(1, settings.seed + _GOLDEN & _ALL, np.uint64))
    streams = (_mixed(seed + np.uint64(view)) for view in range(settings.views))
    keys = [_mixed(contents ^ stream) for stream in streams]
    return [draw_transforms(len(contents), settings.augment, _Draws(key)) for key in keys]


def contents_of(images: Iterable[np.ndarray]) -> np.ndarray:
    """Digest the pixels of each image, uint8; uint64 (n,)."""
    digests = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images]
    return np.frombuffer(b"".join(digests), np.dtype("<u8")).astype(np.uint64)


class _Draws:
    """Uniform numbers that follow from a key of each image (SplitMix64, Steele et al. 2014)."""

    def __init__(self, keys: np.ndarray) -> None:
        self._keys = keys

    def uniform(self, low: float, high: float, size: tuple[int, int]) -> np.ndarray:
        steps = np.arange(1, size[0] + 1, dtype=np.uint64)[:, None] * np.uint64(_GOLDEN)
        return low + (high - low) * (_mixed(self._keys + steps) >> np.uint64(11)) * 2.0**-53

    def spawn(self, n_children: int) -> list[_Draws]:
        return [_Draws(_mixed(self._keys ^ np.uint64(child + 1))) for child in range(n_children)]


def _mixed(x: np.ndarray) -> np.ndarray:
    """The output function of SplitMix64; a bijection of uint64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_FIRST)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_SECOND)
    return x ^ (x >> np.uint64(31))


def average_views(probabilities: list[np.ndarray]) -> np.ndarray:
    """Mean probability over the views; K arrays float32 (N, C) to one."""
    return np.asarray(np.mean(probabilities, axis=0, dtype=np.float64), np.float32)
