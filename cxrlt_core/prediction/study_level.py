"""Study-level prediction: every image of a study takes the mean over the study's images.

Labels come from reports, which describe a study as a whole, and a lateral may show what the frontal
hides. The rows stay images, as the challenge scores them, so tables with and without compare.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

#: The weights of CXR-LT 2023's winners (CheXFusion, Kim 2023): frontal views count most.
VIEW_WEIGHTS = {"PA": 7.0, "AP": 7.0, "FRONTAL": 7.0, "LATERAL": 3.0, "OTHER": 5.0}


def aggregate(
    probabilities: np.ndarray, studies: Sequence[str], views: Sequence[str], rule: str
) -> np.ndarray:
    """Give every image the prediction of its study; probabilities are float (N, C) and keep their dtype.

    Rule ``none`` leaves predictions as they are, ``mean`` weighs the images of a study alike,
    ``view_weighted`` by :data:`VIEW_WEIGHTS` of their views; ValueError for another.
    """
    if rule == "none":
        return probabilities
    if rule not in ("mean", "view_weighted"):
        raise ValueError(f"expected none, mean or view_weighted, found {rule!r}")
    weight = np.array([VIEW_WEIGHTS[view] if rule == "view_weighted" else 1.0 for view in views])
    study, _ = pd.factorize(np.asarray(studies, dtype=object))
    order = np.argsort(study, kind="stable")
    starts = np.flatnonzero(np.diff(study[order], prepend=-1))
    totals = np.add.reduceat((weight[:, None] * probabilities)[order], starts, axis=0)
    means = totals / np.add.reduceat(weight[order], starts)[:, None]
    return means[study].astype(probabilities.dtype)
