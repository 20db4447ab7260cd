"""Pointing game: does a model look most where the finding lies? (Zhang et al. 2018, "excitation backprop")

A map of cells that is enlarged bilinearly has its maximum at the centre of its greatest cell. That point is
a hit where a box of the finding, widened by half a cell on each side, holds it: a finer place a map cannot
name. An image counts once, however many boxes it has: several readers may have drawn the same.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from cxrlt_core.system.rounding import rounded

#: Patients that a class needs to be scored.
LEAST = 10


class Places(NamedTuple):
    """Where findings lie: m boxes."""

    image: np.ndarray  # int (m,), index of the image
    label: np.ndarray  # int (m,), index of the class
    boxes: np.ndarray  # float (m, 4): left, top, right and bottom in 0..1


def peaks(maps: np.ndarray) -> np.ndarray:
    """Return x and y of the maximum of maps (…, h, h), 0 to 1; float64 (…, 2)."""
    side = maps.shape[-1]
    row, column = np.divmod(maps.reshape(*maps.shape[:-2], -1).argmax(-1), side)
    return (np.stack([column, row], axis=-1) + 0.5) / side


def within(points: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """Tell which points (…, 2) lie in one of their boxes (…, K, 4), widened by half a cell of ``side``.

    Both are 0 to 1; a box of NaN is none.
    """
    widened = boxes.astype(np.float64) + 0.5 / side * np.array([-1, -1, 1, 1])
    at = points[..., None, :]
    inside: np.ndarray = (at >= widened[..., :2]) & (at <= widened[..., 2:])
    return np.asarray(inside.all(-1).any(-1))


def chance(boxes: np.ndarray, side: int) -> np.ndarray:
    """Return the share of cells that would hit each image's boxes, (n, K, 4) to (n,)."""
    cells = peaks(np.eye(side * side).reshape(-1, side, side))
    return within(cells[:, None], boxes[None], side).mean(0)


def usual_maps(maps: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Return for each image the sum of the maps of all other patients' images, float64 (S, n, h, h)."""
    names, codes = np.unique(patients, return_inverse=True)
    each = maps.swapaxes(0, 1).astype(np.float64)
    own = np.zeros((len(names), *each.shape[1:]))
    np.add.at(own, codes, each)
    return np.asarray((own.sum(0) - own[codes]).swapaxes(0, 1))


def pointing_game(
    maps: np.ndarray, boxes: np.ndarray, patients: np.ndarray, level: float
) -> dict[str, float]:
    """Score the maps of S models, float (S, n, h, h), of one finding on the images that show it.

    Boxes (n, K, 4), NaN beyond those there are, say where the finding lies, patients (n,), two or more, whom
    each image shows. Returns numbers of ``images``, ``boxes`` and ``patients``; the share of ``hits``, a mean
    over images and models, with its interval, ``low`` to ``high``, as if all images of a patient were hit
    together (:func:`effective`); and three levels to hold it against: ``chance``, of a random cell,
    ``centre``, of the middle of the image, and ``others``, of the mean map of the other patients, which
    knows where a finding usually lies.
    """
    side = maps.shape[-1]
    hits = float(within(peaks(maps), boxes, side).mean())
    low, high = wilson(hits, effective(patients), level)
    return {
        "images": len(boxes),
        "boxes": int(np.isfinite(boxes).all(-1).sum()),
        "patients": len(np.unique(patients)),
        "hits": hits,
        "low": low,
        "high": high,
        "chance": float(chance(boxes, side).mean()),
        "centre": float(within(np.array([0.5, 0.5]), boxes, side).mean()),
        "others": float(within(peaks(usual_maps(maps, patients)), boxes, side).mean()),
    }


def pointing_games(
    maps: np.ndarray, places: Places, patients: np.ndarray, classes: Sequence[str], level: float
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Play the game for every class that lies somewhere, and name those of too few patients.

    Maps of S models are float (S, n, C, h, h), patients (n,). Returns class to what :func:`pointing_game`
    says, rounded, and the classes of which nothing is said.
    """
    games, few = {}, []
    for label in np.unique(places.label):
        mine = places.label == label
        images, boxes = by_image(places.image[mine], places.boxes[mine])
        if len(np.unique(patients[images])) < LEAST:
            few.append(classes[label])
            continue
        game = pointing_game(maps[:, images, label], boxes, patients[images], level)
        games[classes[label]] = {
            key: rounded(value) if isinstance(value, float) else value for key, value in game.items()
        }
    return games, few


def by_image(image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the n images of m boxes, (m,) and (m, 4), and the boxes of each, (n, K, 4), NaN beyond."""
    images, codes, counts = np.unique(image, return_inverse=True, return_counts=True)
    order = codes.argsort(kind="stable")
    slot = np.arange(len(image)) - np.repeat(counts.cumsum() - counts, counts)
    each = np.full((len(images), counts.max(), 4), np.nan)
    each[codes[order], slot] = boxes[order]
    return images, each


def effective(patients: np.ndarray) -> float:
    """Return how many independent images those of patients are worth at least: (Σ m)² / Σ m² (Kish 1965).

    It is the number of patients where all have as many.
    """
    sizes = np.unique(patients, return_counts=True)[1]
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def wilson(share: float, count: float, level: float) -> tuple[float, float]:
    """Return the score interval of a share of ``count`` (Wilson 1927)."""
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = (z2 * (share * (1 - share) / count + z2 / (4 * count**2))) ** 0.5 / (1 + z2 / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)
