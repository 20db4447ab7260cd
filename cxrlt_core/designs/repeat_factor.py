"""Repeat-factor sampling: images of rare classes are shown more often.

A class that is positive in a share f of the images is repeated max(1, √(t / f)) times, an image as often as
its rarest positive class. The length of an epoch stays: it is cut off after N images, so that rows with and
without differ in what they show, not in how much. The share is of all images, as in LVIS, whose labels are
partial, too: it says how often the network is shown a positive, not how frequent the finding is.

Cost: none.
Said to help: rare classes.
Claimed: none known for this task.
"""

from __future__ import annotations

import numpy as np

from cxrlt_core.designs.hooks import Context, Order
from cxrlt_core.labels import POSITIVE
from cxrlt_core.system.settings import Fraction, Section, usual

TITLE = "repeat-factor"
SOURCE = "Gupta et al. 2019 (LVIS), arXiv:1908.03195"


class Settings(Section):
    """From where on a class is rare."""

    threshold: Fraction = usual(0.1)  # t, share of the images


def cell(settings: Settings) -> str:
    """Return the threshold."""
    return f"{settings.threshold:g}"


def order(settings: Settings, context: Context) -> Order:
    """Show the images of an epoch by their repeat factors, in random order."""
    factors = repeat_factors(context.targets, settings.threshold)

    def epoch(generator: np.random.Generator) -> np.ndarray:
        whole = np.floor(factors)
        times = (whole + (generator.random(len(factors)) < factors - whole)).astype(int)
        return generator.permutation(np.repeat(np.arange(len(factors)), times))[: len(factors)]

    return epoch


def repeat_factors(targets: np.ndarray, threshold: float) -> np.ndarray:
    """Repeat factor of each image, float64 (N,); 1 without a positive label, unknown ones aside.

    Args:
        targets: 1, 0 or -1; int8 (N, C).
        threshold: t, share of the images below which a class is repeated.
    """
    positive = targets == POSITIVE
    share = np.maximum(positive.mean(axis=0), 1e-12)
    by_class = np.maximum(1.0, np.sqrt(threshold / share))
    return np.where(positive, by_class, 1.0).max(axis=1)
