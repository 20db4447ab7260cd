"""Design 6, ensembles: average all models, or, class by class, those best on development data."""

import numpy as np


def model_wise_weights(models: int, classes: int) -> np.ndarray:
    """Weigh all models alike for every class; float64 (M, C)."""
    return np.full((models, classes), 1.0 / models)


def class_wise_weights(development_ap: np.ndarray, top_k: int) -> np.ndarray:
    """Weigh the best models of each class by development average precision alike, the others 0.

    Args:
        development_ap: float (M, C), NaN where undefined.
        top_k: models to average per class; all of them if there are fewer.

    Returns:
        Weights that sum to 1 over the models, float64 (M, C). Ties go to the earlier model. A class
        without a defined AP averages all models.
    """
    models, classes = development_ap.shape
    weights = np.zeros((models, classes))
    ranked = np.argsort(-np.nan_to_num(development_ap, nan=-1.0), axis=0, kind="stable")
    np.put_along_axis(weights, ranked[:top_k], 1.0 / min(top_k, models), axis=0)
    weights[:, ~np.isfinite(development_ap).any(axis=0)] = 1.0 / models
    return weights


def ensemble(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Average the models class by class; float (M, N, C) and (M, C) to float64 (N, C)."""
    return np.einsum("mnc,mc->nc", probabilities, weights)
