"""Pointing game: does a model look most where the finding lies? (Zhang et al. 2018, "excitation backprop")

A map of cells that is enlarged bilinearly has its maximum at the centre of its greatest cell. That point is a
hit where the finding's box, widened by half a cell on each side, holds it: a finer place a map cannot name.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from cxrlt_core.system.rounding import rounded


def peaks(maps: np.ndarray) -> np.ndarray:
    """Return x and y of the maximum of maps (…, h, h), 0 to 1; float64 (…, 2)."""
    side = maps.shape[-1]
    row, column = np.divmod(maps.reshape(*maps.shape[:-2], -1).argmax(-1), side)
    return (np.stack([column, row], axis=-1) + 0.5) / side


def within(points: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
    """Tell which points (…, 2) lie in their boxes (…, 4), both 0 to 1, widened by half a cell of ``side``."""
    widened = boxes.astype(np.float64) + 0.5 / side * np.array([-1, -1, 1, 1])
    inside: np.ndarray = (points >= widened[..., :2]) & (points <= widened[..., 2:])
    return np.asarray(inside.all(-1))


def chance(boxes: np.ndarray, side: int) -> np.ndarray:
    """Return the share of cells that would hit each box, boxes (n, 4) to (n,): what a random cell scores."""
    cells = peaks(np.eye(side * side).reshape(-1, side, side))
    return within(cells[:, None], boxes[None], side).mean(0)


def pointing_game(
    maps: np.ndarray, boxes: np.ndarray, patients: Sequence[str], level: float
) -> dict[str, Any]:
    """Score the maps of S models, float (S, n, h, h), of one finding on the images that show it.

    Boxes (n, 4) say where the finding lies, ``patients`` whom each image shows. Returns numbers of ``images``
    and ``patients``; the share of ``hits``, a mean over images and models, with its interval, ``low`` to
    ``high``, as if every patient were one image (Wilson 1927); and two levels to hold it against: ``chance``,
    of a random cell, and ``others``, of the maps of the other images, which knows where a finding usually
    lies; None with one image.
    """
    side, count = maps.shape[-1], boxes.shape[0]
    points = peaks(maps)
    hits = float(within(points, boxes, side).mean())
    swapped = within(points[:, :, None], boxes, side).sum((1, 2)) - within(points, boxes, side).sum(1)
    low, high = wilson(hits, len(set(patients)), level)
    return {
        "images": count,
        "patients": len(set(patients)),
        "hits": hits,
        "low": low,
        "high": high,
        "chance": float(chance(boxes, side).mean()),
        "others": float(swapped.mean() / (count * (count - 1))) if count > 1 else None,
    }


def pointing_games(
    maps: np.ndarray, boxes: np.ndarray, patients: np.ndarray, classes: Sequence[str], level: float
) -> dict[str, dict[str, Any]]:
    """Play the game for every class that lies somewhere; class to what :func:`pointing_game` says, rounded.

    Maps of S models, float (S, n, C, h, h); boxes (n, C, 4), NaN where a finding is not, or not known; the
    patient of each image, (n,).
    """
    known, games = np.isfinite(boxes).all(-1), {}
    for c, name in enumerate(classes):
        images = np.flatnonzero(known[:, c])
        if len(images):
            game = pointing_game(maps[:, images, c], boxes[images, c], patients[images].tolist(), level)
            games[name] = {
                key: rounded(value) if isinstance(value, float) else value for key, value in game.items()
            }
    return games


def wilson(share: float, count: int, level: float) -> tuple[float, float]:
    """Return the score interval of a share of ``count`` (Wilson 1927)."""
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = (z2 * (share * (1 - share) / count + z2 / (4 * count**2))) ** 0.5 / (1 + z2 / count)
    return max(middle - half, 0.0), min(middle + half, 1.0)
