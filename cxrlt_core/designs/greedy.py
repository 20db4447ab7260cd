"""Greedy ensemble: models are added to a class one by one, each time the one that helps most, also again.

Forward selection with replacement: ``ensemble.top_k`` times the model is added with which the mean has the
highest development average precision, and of the means on this way the best is taken, which may be an
earlier one. So a weight is a multiple of one over their number. The paper does so for all classes together.

Cost: per class and step, the average precision of as many means as there are models, and as much on
resamples for its intervals.
Said to help: libraries of many and unequal models.
Claimed: none known for this task.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from cxrlt_core.designs.ensemble import Bag, DevelopmentScores, Ensemble, model_wise_weights

TITLE = "greedy"
SOURCE = "Caruana et al. 2004, Ensemble selection from libraries of models (ICML)"


def combine(settings: Ensemble, scores: DevelopmentScores) -> np.ndarray:
    """Weigh models by how often they are added to a class, (M, C); all alike where its AP is undefined."""
    models = len(scores.ap)
    weights = model_wise_weights(*scores.ap.shape)
    for c in np.flatnonzero(np.isfinite(scores.ap).any(axis=0)):
        bag = best_bag(models, settings.top_k, partial(scores.bag_ap, int(c)))
        weights[:, c] = np.bincount(bag, minlength=models) / len(bag)
    return weights


def best_bag(models: int, steps: int, ap: Callable[[Bag], float]) -> Bag:
    """Add one model after the other; return the best of the bags on the way, the smaller of equal ones.

    ``ap`` is the average precision of the mean of a bag. Ties go to the earlier model.
    """
    bag: Bag = ()
    best: Bag = ()
    for _ in range(steps):
        bag = max((tuple(sorted((*bag, model))) for model in range(models)), key=ap)
        if not best or ap(bag) > ap(best):
            best = bag
    return best
