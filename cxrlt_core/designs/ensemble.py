"""Design 6, ensembles: weights of the models per class, chosen on development data.

``model_wise`` averages all models, ``class_wise`` those that are best for the class; both are the paper's.
``bagged`` and ``shrunk`` choose like ``class_wise``, but trust the choice only as far as the data bear it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from cxrlt_core.labels import POSITIVE
from cxrlt_core.metrics.bootstrap import PatientResamples, centred
from cxrlt_core.metrics.scores import resample_ranks
from cxrlt_core.params.schema import Ensemble


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


def bagged_weights(resampled_ap: np.ndarray, top_k: int) -> np.ndarray:
    """Choose anew in every resample of the development patients; weigh models by how often they are chosen.

    Bagging (Breiman 1996) of the choice: a model that is best by chance in one sample shares with those
    that are best in others.

    Args:
        resampled_ap: float (M, B, C), NaN where a resample leaves a class undefined.
        top_k: models to choose per class.

    Returns:
        Weights that sum to 1 over the models, float64 (M, C); all alike where no resample is defined.
    """
    defined = np.isfinite(resampled_ap).all(axis=0)
    chosen = class_wise_weights(resampled_ap, top_k)
    totals = np.where(defined, chosen, 0.0).sum(axis=1)
    counts = defined.sum(axis=0)
    alike = model_wise_weights(len(resampled_ap), resampled_ap.shape[2])
    return np.where(counts > 0, totals / np.maximum(counts, 1), alike)


def shrunk_weights(class_wise: np.ndarray, positives: np.ndarray, prior: float) -> np.ndarray:
    """Pull the choice of a class with few development positives to the mean of all models.

    With n positives, n / (n + prior) of the class-wise weights and the rest of the model-wise ones.

    Args:
        class_wise: from :func:`class_wise_weights`, (M, C).
        positives: known development positives of each class, (C,).
        prior: positives at which the two are balanced.
    """
    trust = positives / (positives + prior)
    return trust * class_wise + (1 - trust) * model_wise_weights(*class_wise.shape)


def choose(
    method: str, ap: np.ndarray, resampled_ap: np.ndarray, positives: np.ndarray, settings: Ensemble
) -> np.ndarray:
    """Weigh the models of each class by one of the four methods; float64 (M, C).

    Args:
        method: model_wise, class_wise, bagged or shrunk.
        ap: development average precision, (M, C).
        resampled_ap: the same on resampled patients, (M, B, C).
        positives: known development positives of each class, (C,).
        settings: how many models to choose, and how far to shrink.
    """
    match method:
        case "model_wise":
            return model_wise_weights(*ap.shape)
        case "class_wise":
            return class_wise_weights(ap, settings.top_k)
        case "bagged":
            return bagged_weights(resampled_ap, settings.top_k)
        case "shrunk":
            chosen = class_wise_weights(ap, settings.top_k)
            return shrunk_weights(chosen, positives, settings.prior_positives)
    raise ValueError(f"expected model_wise, class_wise, bagged or shrunk, found {method!r}")


def choice_stability(class_wise: np.ndarray, bagged: np.ndarray) -> np.ndarray:
    """Share of each class's chosen models that a resample of the patients chooses again, on average; (C,).

    Args:
        class_wise: from :func:`class_wise_weights`, (M, C).
        bagged: from :func:`bagged_weights` with the same ``top_k``, (M, C).
    """
    return np.where(class_wise > 0, bagged, 0.0).sum(axis=0)


def ensemble(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average the models class by class; float (M, N, C) and (M, C) to float32 (N, C), as it is stored."""
    total = np.zeros(probabilities.shape[1:])
    for model, weight in zip(probabilities, weights, strict=True):
        total += model * weight
    return total.astype(np.float32)


@dataclass(frozen=True)
class Choice:
    """What development data tell of the models of one training seed; nothing else is chosen by.

    Attributes:
        targets: of the development set, int (N, C).
        predictions: of the models, float (M, N, C).
        draws: resampled development patients.
        ap: development average precision, (M, C).
        resampled_ap: the same on resampled patients, (M, B, C).
        settings: how many models to choose, and how far to shrink.
    """

    targets: np.ndarray
    predictions: np.ndarray
    draws: PatientResamples
    ap: np.ndarray
    resampled_ap: np.ndarray
    settings: Ensemble

    @classmethod
    def of(
        cls,
        targets: np.ndarray,
        predictions: np.ndarray,
        draws: PatientResamples,
        settings: Ensemble,
        device: torch.device,
    ) -> Self:
        """Score the models on the development set and its resamples; see the attributes."""
        every = draws.with_original()
        found = np.stack([resample_ranks(targets, model, every, device)["AP"] for model in predictions])
        return cls(targets, predictions, draws, found[:, 0], found[:, 1:], settings)

    def among(self, used: Sequence[bool]) -> Self:
        """Return what is known of some of the models."""
        used = np.asarray(used)
        kept = {name: getattr(self, name)[used] for name in ("predictions", "ap", "resampled_ap")}
        return replace(self, **kept)

    @property
    def stability(self) -> np.ndarray:
        """Share of each class's chosen models that a resample chooses again, (C,)."""
        return choice_stability(self.weights("class_wise"), self.weights("bagged"))

    @property
    def chosen_again(self) -> np.ndarray:
        """Share of the resamples that choose each model for each class, (M, C)."""
        return self.weights("bagged") * min(self.settings.top_k, len(self.ap))

    def weights(self, method: str) -> np.ndarray:
        """Weights of the models per class for one of the four methods, (M, C)."""
        return choose(method, self.ap, self.resampled_ap, self._positives(), self.settings)

    def recombined_weights(self, method: str, choices: Sequence["Choice"]) -> np.ndarray:
        """Weights where each model is of a training seed of its own, (M, C).

        Args:
            method: one of the four.
            choices: of the seed that each of the M models has.
        """
        ap = np.stack([one.ap[m] for m, one in enumerate(choices)])
        resampled = np.stack([one.resampled_ap[m] for m, one in enumerate(choices)])
        return choose(method, ap, resampled, self._positives(), self.settings)

    def repeated_weights(self, method: str, resamples: int) -> np.ndarray:
        """Weights that other development patients would have chosen, float64 (M, R, C).

        On resample r the average precision of the models is moved by what the resample moves it. To bag anew
        would take a bootstrap of each resample; that is taken to spread about its centre as the first one
        does, so its average precision is moved by the same.

        Args:
            method: one of the four.
            resamples: R, the first of the draws.
        """
        moved = centred(self.resampled_ap, axis=1)[1][:, :resamples].transpose(1, 0, 2)
        counts = self.draws.first(resamples).counts[self.draws.patient].T
        positives = counts.astype(np.float64) @ (self.targets == POSITIVE)
        return np.stack(
            [
                choose(method, self.ap + by, self.resampled_ap + by[:, None], found, self.settings)
                for by, found in zip(moved, positives, strict=True)
            ],
            axis=1,
        )

    def _positives(self) -> np.ndarray:
        return (self.targets == POSITIVE).sum(axis=0)
