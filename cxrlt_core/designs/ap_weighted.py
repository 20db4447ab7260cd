"""AP-weighted ensemble: each class averages all models, by their development average precision.

The weights of a class are its AP with each model over their sum, so they are near those of the plain mean.

Cost: none beside the plain mean.
Said to help: where members differ much.
Claimed: none known for this task.
"""

import numpy as np

from cxrlt_core.designs.ensemble import DevelopmentScores, Ensemble, model_wise_weights

TITLE = "AP-weighted"
SOURCE = "weights by validation scores, a common practice without a paper of its own"


def combine(settings: Ensemble, scores: DevelopmentScores) -> np.ndarray:
    """Weigh models by their AP, (M, C)."""
    return ap_weights(scores.ap)


def ap_weights(ap: np.ndarray) -> np.ndarray:
    """Weights AP / Σ AP over the models; all alike where a class has no AP.

    Takes and returns float64 (M, C); NaN where undefined. What is below 0, as where a resample has moved it,
    counts as 0.
    """
    positive = np.maximum(np.nan_to_num(ap), 0.0)
    total = positive.sum(axis=0)
    return np.where(total > 0, positive / np.where(total > 0, total, 1.0), model_wise_weights(*ap.shape))
