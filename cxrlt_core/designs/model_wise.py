"""Design 6, the rival: the mean of all models.

Cost: prediction by all models.
Said to help: any set of models; it chooses nothing, so it overfits nothing.
Claimed: none known for this task.
"""

import numpy as np

from cxrlt_core.designs.ensemble import DevelopmentScores, Ensemble, model_wise_weights

TITLE = "model-wise"
SOURCE = "the published study"


def combine(settings: Ensemble, scores: DevelopmentScores) -> np.ndarray:
    """Weigh all models alike, (M, C)."""
    return model_wise_weights(*scores.ap.shape)
