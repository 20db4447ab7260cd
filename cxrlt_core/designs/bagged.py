"""Bagged ensemble: the choice of models, made anew in each resample of the development patients, averaged.

Cost: seconds; prediction by all models that are chosen.
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

TITLE = "bagged"
SOURCE = "Breiman 1996, bagging of the choice"


def combine(settings: Ensemble, scores: DevelopmentScores) -> np.ndarray:
    """Weigh models by how often resamples choose them, (M, C)."""
    return bagged_weights(scores.resampled_ap, settings.top_k)


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
