"""Design 5, test-time augmentation: average the probabilities of several random views of an image."""

import numpy as np

from cxrlt_core.batches.transforms import Transforms, draw_transforms
from cxrlt_core.params.schema import Tta


def draw_views(n: int, settings: Tta) -> list[Transforms]:
    """Draw the views of a set of n images.

    View v of image i depends on the seed, v, i and n alone, not on the batch size, the device or
    the model: every variant is scored on the same views.

    Returns:
        ``settings.views`` sets of n transforms.
    """
    return [
        draw_transforms(n, settings.augment, np.random.default_rng([settings.seed, view]))
        for view in range(settings.views)
    ]


def average_views(probabilities: list[np.ndarray]) -> np.ndarray:
    """Mean probability over the views; K arrays float32 (N, C) to one."""
    return np.mean(probabilities, axis=0, dtype=np.float64).astype(np.float32)
