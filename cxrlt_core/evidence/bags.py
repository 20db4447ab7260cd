"""Development average precision of means of some models of a class, for methods that try many of them."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from cxrlt_core.designs.ensemble import Bag
from cxrlt_core.metrics.bootstrap import PatientResamples, centred
from cxrlt_core.metrics.metric import RankMetric, metrics_of
from cxrlt_core.metrics.ranking import plain_ap, rank, rank_values


class Bags:
    """Means of models, each scored when it is first asked for; a model may stand in one several times."""

    def __init__(self, targets: np.ndarray, models: Sequence[np.ndarray], draws: PatientResamples) -> None:
        """Take int targets (N, C), probabilities of M models, float (N, C) each, and resampled patients."""
        self._targets, self._models, self._draws = targets, models, draws
        self.ap = cache(self._ap)
        self.moves = cache(self._moves)

    def _ap(self, c: int, bag: Bag) -> float:
        """Average precision of class c with the mean of a bag; NaN where undefined."""
        return plain_ap(self._targets[:, c], self._mean(c, bag))

    def _moves(self, c: int, bag: Bag) -> np.ndarray:
        """By how much each resample moves that from the mean of all, float64 (R,); 0 where undefined."""
        ranking = rank(self._targets[:, c], self._mean(c, bag), self._draws.patient)
        if ranking is None:
            return np.zeros(len(self._draws))
        weights = torch.from_numpy(self._draws.counts).float()
        [values] = rank_values(ranking, weights, metrics_of(RankMetric)[:1]).numpy()
        return centred(values, axis=0)[1]

    def _mean(self, c: int, bag: Bag) -> np.ndarray:
        models = np.stack([self._models[m][:, c] for m in bag])
        return np.asarray(models.mean(axis=0, dtype=np.float64), np.float32)
