"""Design 6, ensembles: the models of each class are averaged with weights that development data choose.

Methods are designs with the hook ``combine``. Of the paper: ``model_wise``, the mean of all models, and
``class_wise``, of those that are best for the class. ``bagged`` and ``shrunk`` trust that choice only as far
as the data bear it; ``ap_weighted`` weighs all models, ``greedy`` adds one after the other.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from cxrlt_core.designs import result
from cxrlt_core.system.settings import Count, Name, Positive, Section, usual

TITLE = "ensemble"
SOURCE = "the published study"


class Ensemble(Section):
    """Choice of the models that each class averages."""

    members: Annotated[list[Name], Field(min_length=1)] | None = usual(None)  # null: of the published rows
    top_k: Count = usual(3)  # models of a class; greedy: how often one is added
    prior_positives: Positive = usual(20)  # shrunk: positives at which the choice has half the say


#: Models that are averaged, by number and in order; one may stand there several times.
Bag = tuple[int, ...]


@dataclass(frozen=True)
class DevelopmentScores:
    """What ``combine`` may know: nothing but what M models do on development data.

    Attributes:
        ap: average precision, (M, C).
        resampled_ap: the same on resampled patients, (M, B, C).
        positives: known positives of each class, (C,).
        bag_ap: average precision of a class with the mean of some models, NaN where undefined.
    """

    ap: np.ndarray
    resampled_ap: np.ndarray
    positives: np.ndarray
    bag_ap: Callable[[int, Bag], float]


def choose(method: str, settings: Ensemble, scores: DevelopmentScores) -> np.ndarray:
    """Weigh the models of each class by a method; float64 (M, C), summing to 1 over the models."""
    return np.asarray(result({method: settings}, "combine", scores))


def model_wise_weights(models: int, classes: int) -> np.ndarray:
    """Weigh all models alike for every class; float64 (M, C)."""
    return np.full((models, classes), 1.0 / models)


def class_wise_weights(development_ap: np.ndarray, top_k: int) -> np.ndarray:
    """Weigh the best models of each class by development average precision alike, the others 0.

    Args:
        development_ap: float (M, …, C), NaN where undefined.
        top_k: models to average per class; all of them if there are fewer.

    Returns:
        Weights that sum to 1 over the models, float64 (M, …, C). Ties go to the earlier model. A class
        without a defined AP averages all models.
    """
    models = len(development_ap)
    ap = np.nan_to_num(development_ap, nan=-1.0)
    better = np.zeros(ap.shape, np.int16)  # models; counted for all resamples at once, where a sort is slow
    for m, one in enumerate(ap):
        better[:m] += one > ap[:m]
        better[m + 1 :] += one >= ap[m + 1 :]
    weights = (better < top_k) / min(top_k, models)
    weights[:, ~np.isfinite(development_ap).any(axis=0)] = 1.0 / models
    return weights


def choice_stability(class_wise: np.ndarray, bagged: np.ndarray) -> np.ndarray:
    """Share of each class's chosen models that a resample of the patients chooses again, on average; (C,).

    Args:
        class_wise: from :func:`class_wise_weights`, (M, C).
        bagged: of the method ``bagged`` with the same ``top_k``, (M, C).
    """
    return np.where(class_wise > 0, bagged, 0.0).sum(axis=0)


def ensemble(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average the models class by class; float (M, N, C) and (M, C) to float32 (N, C), as it is stored."""
    total = np.zeros(probabilities.shape[1:])
    for model, weight in zip(probabilities, weights, strict=True):
        total += model * weight
    return total.astype(np.float32)
