"""Design 6, class-wise ensemble: each class averages the models that are best for it on development data.

Cost: prediction by all models that are chosen.
Said to help: as a part of the published study.
Claimed: +0.001 mAP over the mean of all (CXR-LT 2023), arXiv:2308.08853.
"""

import numpy as np

from cxrlt_core.designs.ensemble import DevelopmentScores, Ensemble, class_wise_weights

TITLE = "class-wise"
SOURCE = "the published study"


def combine(settings: Ensemble, scores: DevelopmentScores) -> np.ndarray:
    """Weigh the best models of each class alike, (M, C)."""
    return class_wise_weights(scores.ap, settings.top_k)
