"""Design 2, loss reweighting: upweight the classes that did poorly on the development set.

Cost: another variant has to be trained and scored first.
Said to help: classes that did poorly.
Claimed: +0.0053 mAP (CXR-LT 2023), arXiv:2308.08853.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from cxrlt_core.system.settings import Count, Name, Positive, Section, usual

TITLE = "reweight"
SOURCE = "the published study"
FIELD = "weights"  # uniform, or the name of a reweighting
OFF = "uniform"
SELECTS = True  # by development data

Rule = Literal["below_mean", "below_median", "bottom_k"]


class Reweighting(Section):
    """How development AP becomes weights of classes."""

    ratio: Positive = usual(2)  # weight of the upweighted classes; all others weigh 1
    rule: Rule = usual("below_mean")
    k: Count = usual(5)  # for bottom_k


class Reweight(Section):
    """Loss weights from development AP: ``main``, ``contrast`` and any more, by name."""

    base: Name = usual("resnet50_bert_separate")  # the variant whose development AP decides
    ratio: Positive = usual(2)  # of the weights main
    contrast_ratio: Positive = usual(3)  # of the weights contrast
    rule: Rule = usual("below_mean")  # of both
    k: Count = usual(5)  # of both, for bottom_k
    more: dict[Name, Reweighting] = usual({})


def cell(name: str, settings: Reweight) -> str:
    """Say the ratio of the weights that a variant trains with, and the name where that is not plain."""
    if name == OFF:
        return ""
    ratio = f"{reweightings(settings)[name].ratio:g}"
    return f"{ratio} {name}" if name in settings.more else ratio


def reweightings(settings: Reweight) -> dict[str, Reweighting]:
    """Return every reweighting by its name."""
    ratios = {"main": settings.ratio, "contrast": settings.contrast_ratio}
    both = {n: Reweighting(ratio=r, rule=settings.rule, k=settings.k) for n, r in ratios.items()}
    return {**both, **settings.more}


def reweight(average_precision: Mapping[str, float | None], settings: Reweighting) -> dict[str, Any]:
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


def uniform_weights(classes: list[str]) -> dict[str, Any]:
    """Weights of 1, in the same form as :func:`reweight`."""
    return {
        "ratio": 1.0,
        "rule": "uniform",
        "threshold": None,
        "weights": dict.fromkeys(classes, 1.0),
    }
