"""Shrunk ensemble: the fewer development positives a class has, the nearer its choice to the mean of all.

Cost: prediction by all models.
Said to help: where few development positives decide.
Claimed: none known for this task.
"""

import numpy as np

from cxrlt_core.designs.ensemble import (
    DevelopmentScores,
    Ensemble,
    class_wise_weights,
    model_wise_weights,
)

TITLE = "shrunk"
SOURCE = "shrinkage with n / (n + prior), as in Efron and Morris 1975"


def combine(settings: Ensemble, scores: DevelopmentScores) -> np.ndarray:
    """Shrink the class-wise choice towards the mean of all models, (M, C)."""
    chosen = class_wise_weights(scores.ap, settings.top_k)
    return shrunk_weights(chosen, scores.positives, settings.prior_positives)


def shrunk_weights(class_wise: np.ndarray, positives: np.ndarray, prior: float) -> np.ndarray:
    """Pull the choice of a class with few development positives to the mean of all models.

    With n positives, n / (n + prior) of the class-wise weights and the rest of the model-wise ones.

    Args:
        class_wise: of the method ``class_wise``, (M, C).
        positives: known development positives of each class, (C,).
        prior: positives at which the two are balanced.
    """
    trust = positives / (positives + prior)
    return trust * class_wise + (1 - trust) * model_wise_weights(*class_wise.shape)
