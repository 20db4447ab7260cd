"""Design 2, loss reweighting: upweight the classes that did poorly on the development set."""

from collections.abc import Mapping

import numpy as np

from cxrlt_core.params.schema import Reweighting


def reweight(average_precision: Mapping[str, float | None], settings: Reweighting) -> dict:
    """Class weights from development average precision.

    ``below_mean`` upweights the classes below the mean AP, ``below_median`` those below the median,
    ``bottom_k`` the k worst (ties by class order). A class whose AP is undefined keeps weight 1:
    nothing is known about it.

    Args:
        average_precision: class to development AP, None where undefined.
        settings: the rule, the ratio that it gives, and k.

    Returns:
        ``{"ratio", "rule", "threshold", "weights": {class: weight}}``; the threshold is the AP below
        (for ``bottom_k``: up to) which a class is upweighted, None when no AP is defined.
    """
    defined = {name: ap for name, ap in average_precision.items() if ap is not None}
    values = np.array(list(defined.values()))
    threshold = None
    poor: set[str] = set()
    if len(values):
        if settings.rule == "bottom_k":
            poor = set(sorted(defined, key=defined.__getitem__)[: settings.k])
            threshold = max(defined[name] for name in poor)
        else:
            threshold = float(values.mean() if settings.rule == "below_mean" else np.median(values))
            poor = {name for name, ap in defined.items() if ap < threshold}
    weights = {name: settings.ratio if name in poor else 1.0 for name in average_precision}
    return {"ratio": settings.ratio, "rule": settings.rule, "threshold": threshold, "weights": weights}


def uniform_weights(classes: list[str]) -> dict:
    """Weights of 1, in the same form as :func:`reweight`."""
    return {
        "ratio": 1.0,
        "rule": "uniform",
        "threshold": None,
        "weights": dict.fromkeys(classes, 1.0),
    }
