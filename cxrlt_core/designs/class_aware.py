"""Class-aware sampling: every class is shown equally often, and within a class every image that has it.

A list of the classes and, for each, a list of the images in which it is positive are gone through and
shuffled anew whenever they end. An image with several findings is in several lists, one with none in none: it
is not shown. An unknown label puts an image into no list. A class without a positive image is left out. The
length of an epoch stays, so that rows with and without differ in what they show, not in how much.

Cost: none.
Said to help: rare classes; scenes with one label each in the paper.
Claimed: for the last layer alone (cRT), +0.127 balanced accuracy (MIMIC-CXR-LT, one label an image),
arXiv:2208.13365; better ranking, too (CXR-LT 2026), arXiv:2603.02294; for all layers, none known for this
task.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxrlt_core.designs.hooks import Context, Order
from cxrlt_core.labels import POSITIVE
from cxrlt_core.system.errors import StudyError
from cxrlt_core.system.settings import Section

TITLE = "class-aware"
SOURCE = "Shen et al. 2016, arXiv:1512.05830"


class Settings(Section):
    """Nothing to set."""


def order(settings: Settings, context: Context) -> Order:
    """Show as many images as there are, class by class."""
    lists, images = class_lists(context.targets), len(context.targets)
    return lambda generator: draw_images(lists, images, generator)


def class_lists(targets: np.ndarray) -> list[np.ndarray]:
    """Positions of the positive images of each class that has any, int64.

    Args:
        targets: 1, 0 or -1; int8 (N, C).

    Raises:
        StudyError: when no label is positive.
    """
    lists = [np.flatnonzero(column) for column in (targets == POSITIVE).T]
    if not any(map(len, lists)):
        raise StudyError("class-aware sampling: no training label is positive, expected one at least")
    return [positions for positions in lists if len(positions)]


def draw_images(lists: Sequence[np.ndarray], count: int, generator: np.random.Generator) -> np.ndarray:
    """Go round the classes and take the next image of each one's list; positions, int64 (count,)."""
    classes = _rounds(np.arange(len(lists)), count, generator)
    images = np.empty(count, np.int64)
    for number, positions in enumerate(lists):
        turns = np.flatnonzero(classes == number)
        images[turns] = _rounds(positions, len(turns), generator)
    return images


def _rounds(items: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Take so many items, all of them in a new order before any comes again."""
    rounds = -(-count // len(items))
    return generator.permuted(np.tile(items, (rounds, 1)), axis=1).ravel()[:count]
