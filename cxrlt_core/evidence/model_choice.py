"""What development data tell of the models of an ensemble, and how they are weighed by it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch

from cxrlt_core.designs.bagged import bagged_weights
from cxrlt_core.designs.ensemble import (
    Bag,
    DevelopmentScores,
    Ensemble,
    choice_stability,
    choose,
    class_wise_weights,
)
from cxrlt_core.evidence.bags import Bags
from cxrlt_core.labels import POSITIVE
from cxrlt_core.metrics.bootstrap import PatientResamples, centred
from cxrlt_core.metrics.scores import resample_ranks


@dataclass(frozen=True)
class Choice:
    """What development data tell of the models of one training seed; nothing else is chosen by."""

    targets: np.ndarray  # of the development set, int (N, C)
    predictions: np.ndarray  # of the models, float (M, N, C)
    draws: PatientResamples  # resampled development patients
    ap: np.ndarray  # development average precision, (M, C)
    resampled_ap: np.ndarray  # the same on resampled patients, (M, B, C)
    settings: Ensemble  # how many models to choose, and how far to shrink

    @classmethod
    def of(
        cls,
        targets: np.ndarray,
        predictions: np.ndarray,
        draws: PatientResamples,
        settings: Ensemble,
        device: torch.device,
    ) -> Self:
        """Score the models on the development set and its resamples."""
        resamples = draws.with_original()
        ap = np.stack([resample_ranks(targets, model, resamples, device)["AP"] for model in predictions])
        return cls(targets, predictions, draws, ap[:, 0], ap[:, 1:], settings)

    def among(self, used: Sequence[bool]) -> Self:
        """Return what is known of some of the models."""
        kept = ("predictions", "ap", "resampled_ap")
        return replace(self, **{name: getattr(self, name)[np.asarray(used)] for name in kept})

    @property
    def stability(self) -> np.ndarray:
        """Share of each class's chosen models that a resample chooses again, (C,)."""
        return choice_stability(class_wise_weights(self.ap, self.settings.top_k), self._bagged)

    @property
    def chosen_again(self) -> np.ndarray:
        """Share of the resamples that choose each model for each class, (M, C)."""
        return self._bagged * min(self.settings.top_k, len(self.ap))

    @property
    def _bagged(self) -> np.ndarray:
        return bagged_weights(self.resampled_ap, self.settings.top_k)

    def weights(self, method: str) -> np.ndarray:
        """Weights of the models per class by a method, (M, C)."""
        bags = Bags(self.targets, list(self.predictions), self.draws)
        scores = DevelopmentScores(self.ap, self.resampled_ap, self._positives(), bags.ap)
        return choose(method, self.settings, scores)

    def recombined_weights(self, method: str, choices: Sequence[Self]) -> np.ndarray:
        """Weights by a method where model m has the training seed of ``choices[m]``, (M, C)."""
        ap = np.stack([choice.ap[m] for m, choice in enumerate(choices)])
        resampled = np.stack([choice.resampled_ap[m] for m, choice in enumerate(choices)])
        bags = Bags(self.targets, [choice.predictions[m] for m, choice in enumerate(choices)], self.draws)
        scores = DevelopmentScores(ap, resampled, self._positives(), bags.ap)
        return choose(method, self.settings, scores)

    def repeated_weights(self, method: str, resamples: int) -> np.ndarray:
        """Weights by a method that other development patients would have chosen, float64 (M, R, C).

        On resample r the average precision of the models is moved by what the resample moves it. To bag anew
        would take a bootstrap of each resample; that is taken to spread about its centre as the first one
        does, so its average precision is moved by the same. R is the first of the draws.
        """
        moved = centred(self.resampled_ap, axis=1)[1][:, :resamples].transpose(1, 0, 2)
        counts = self.draws.first(resamples).counts[self.draws.patient].T
        positives = counts.astype(np.float64) @ (self.targets == POSITIVE)
        bags = Bags(self.targets, list(self.predictions), self.draws.first(resamples))

        def bag_ap(number: int) -> Callable[[int, Bag], float]:
            return lambda c, bag: bags.ap(c, bag) + bags.moves(c, bag)[number]

        elsewhere = (
            DevelopmentScores(self.ap + shift, self.resampled_ap + shift[:, None], counts, bag_ap(number))
            for number, (shift, counts) in enumerate(zip(moved, positives, strict=True))
        )
        return np.stack([choose(method, self.settings, scores) for scores in elsewhere], axis=1)

    def _positives(self) -> np.ndarray:
        return (self.targets == POSITIVE).sum(axis=0)
