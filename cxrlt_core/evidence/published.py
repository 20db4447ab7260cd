"""Whether a study of the published size could have resolved what it published.

Twice: with the variances that this study measured, scaled to the published size; and with a model that needs
no study, of two models that score a class with normal noise. One training each, as published.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.special import ndtr

from cxrlt_core.evidence.estimator import Estimate, VarianceComponents
from cxrlt_core.labels import TRAINING_IMAGES, TRAINING_POSITIVES
from cxrlt_core.system.rounding import rounded, significant

#: Images of the published development and test sets (CXR-LT 2023).
IMAGES = {"dev": 36_769, "test": 75_492}
#: Prevalence of the 26 classes among training images.
PREVALENCE = np.array(list(TRAINING_POSITIVES.values())) / TRAINING_IMAGES
MEAN_AP = 0.3187  # mAP of the first published row
SLOPE = 0.5  # of logit AP over logit prevalence: halfway between that of a coin (1) and equal classes (0)


@dataclass(frozen=True)
class Claim:
    """What a published difference asks for, rounded; None where not measured or infinite."""

    patients: float | None  # detectable difference, if trainings added no noise
    # detectable difference with the noise of one training each, were it known exactly
    trainings: float | None
    # whether the difference reaches it; None where that hangs on what was not measured
    resolvable: bool | None
    images: float | None  # that resolve the difference if trainings add no noise


def claim(
    parts: VarianceComponents, images: int, published: int, difference: float, level: float, tests: int
) -> Claim:
    """Ask whether one training each, on a set of the published size, resolves a published difference.

    ``parts`` were measured on ``images`` of this study, ``published`` is the size of the published set; 1 -
    level is the error rate of the family of ``tests``.
    """
    scaled = (parts.patients + parts.patients_by_seed + parts.selection) * images / published
    patients, trainings = (_known(squared, level, tests) for squared in (scaled, scaled + parts.training))
    size = abs(difference)
    resolvable = bool(size >= trainings) if size < patients or np.isfinite(trainings) else None
    needed = published * (patients / size) ** 2 if size else np.inf
    return Claim(rounded(patients), rounded(trainings), resolvable, significant(needed, 3))


def reference(images: int, correlation: float, level: float, tests: int) -> float:
    """Difference of mAP that two models of the published kind can be told apart by, patients alone.

    Classes have the prevalences of CXR-LT 2023 and APs that follow them (:func:`typical_ap`); each model
    scores an image with normal noise, which correlates between the two; images and classes are independent.
    """
    return _known(_published_variance(correlation) / images, level, tests)


@cache
def _published_variance(correlation: float) -> float:
    """Variance, per image, of the difference of two models of the published kind."""
    return difference_variance(PREVALENCE, typical_ap(PREVALENCE, MEAN_AP, SLOPE), correlation)


def _known(squared: float, level: float, tests: int) -> float:
    """Detectable difference where the variance is known."""
    return Estimate(0.0, float(np.sqrt(squared)), np.inf, 1).detectable(level, tests)


def typical_ap(prevalence: np.ndarray, mean: float, slope: float) -> np.ndarray:
    """AP of classes, with a mean, whose logit rises by ``slope`` with that of the prevalence; (C,)."""
    tilted = slope * np.log(prevalence / (1 - prevalence))
    shift = _root(lambda x: (1 / (1 + np.exp(-x - tilted))).mean(), mean, -20.0, 20.0)
    return 1 / (1 + np.exp(-shift - tilted))


def difference_variance(prevalence: np.ndarray, ap: np.ndarray, correlation: float) -> float:
    """Variance, per image, of the difference of mAP between two models with the same APs.

    Scores are N(0, 1) for negatives and N(d, 1) for positives of a class, and correlate between the models,
    given the label. The variance is that of the difference of both models' influence functions of AP (Hampel
    1974), integrated numerically. Prevalence and AP of the classes, (C,).
    """
    nodes = np.linspace(-6.0, 6.0, 121)
    weights = np.exp(-(nodes**2) / 2)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    same, apart = np.sqrt((1 + correlation) / 2), np.sqrt((1 - correlation) / 2)
    first, second = (same * nodes[:, None] + sign * apart * nodes for sign in (1, -1))
    total = 0.0
    for share, goal in zip(prevalence, ap, strict=True):
        distance = _root(partial(_ap_at, share), goal, 0.0, 9.0)
        grid, _, positive, negative = _influence(share, distance)
        for part, curve, centre in ((share, positive, distance), (1 - share, negative, 0.0)):
            gap = np.interp(centre + first, grid, curve) - np.interp(centre + second, grid, curve)
            total += part * (weights * gap**2).sum()
    return total / len(prevalence) ** 2


def _ap_at(prevalence: float, distance: float) -> float:
    return _influence(prevalence, distance)[1]


def _influence(prevalence: float, distance: float) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """Scores, AP, and the influence on it of a positive and of a negative with each score."""
    scores = np.linspace(-9.0, 9.0 + distance, 3001)
    density = np.exp(-((scores - distance) ** 2) / 2)
    density /= density.sum()
    true, false = prevalence * ndtr(distance - scores), (1 - prevalence) * ndtr(-scores)
    above = true + false
    ap = float((density * true / above).sum())
    positive = (true / above - ap) / prevalence + np.cumsum(density * false / above**2)
    return scores, ap, positive, -np.cumsum(density * true / above**2)


def _root(function: Callable[[float], float], goal: float, low: float, high: float) -> float:
    """Where a rising function reaches the goal; bisection."""
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < goal else (low, middle)
    return low
