"""What pictures show of a prediction: reliability, precision against recall, labels that occur together."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.metrics.calibration import Calibration, scale
from cxrlt_core.metrics.scores import average_precision
from cxrlt_core.metrics.sums import BINS, bin_of
from cxrlt_core.system.rounding import rounded

POINTS = 200  # of a curve, at most


def describe_curves(
    targets: np.ndarray,
    probabilities: Sequence[np.ndarray],
    calibrations: Sequence[Calibration],
    classes: Sequence[str],
    groups: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """Describe the predictions of a row, as plain values.

    Takes int targets (N, C), -1 unknown; of each training seed float probabilities (N, C) and a calibration;
    names of the C classes, and class to head, medium or tail. Returns ``reliability``, of all seeds together:
    ``as predicted`` and ``scaled``, to what :func:`reliability` gives; and ``precision_recall``, of the first
    seed: tail class that is defined to ``AP``, ``recall`` and ``precision``.
    """
    every = np.tile(targets, (len(probabilities), 1))
    scaled = [scale(p, fit.temperature) for p, fit in zip(probabilities, calibrations, strict=True)]
    bins = {"as predicted": probabilities, "scaled": scaled}
    curves: dict[str, Any] = {}
    for c, ap in enumerate(average_precision(targets, probabilities[0])):
        if groups[classes[c]] == "tail" and np.isfinite(ap):
            curve = _plain(precision_recall(targets[:, c], probabilities[0][:, c], POINTS))
            curves[classes[c]] = {"AP": rounded(ap), **curve}
    return {
        "reliability": {
            which: _plain(reliability(every, np.concatenate(seeds))) for which, seeds in bins.items()
        },
        "precision_recall": curves,
    }


def _plain(columns: Mapping[str, np.ndarray]) -> dict[str, list[float | None]]:
    return {
        name: values.tolist() if values.dtype.kind == "i" else [rounded(value) for value in values]
        for name, values in columns.items()
    }


def reliability(targets: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Compare probabilities with shares of positives, over the known labels of all classes, (N, C).

    Returns for the bins of equal width that ECE has: ``labels`` in it, int; ``score``, their mean; ``share``
    of positives; (bins,) each, NaN in an empty bin.
    """
    known = targets != UNKNOWN
    scores, positive = scores[known].astype(np.float64), targets[known] == POSITIVE
    bins = bin_of(scores)
    labels = np.bincount(bins, minlength=BINS)
    sums = (np.bincount(bins, weights=values, minlength=BINS) for values in (scores, positive))
    with np.errstate(invalid="ignore"):
        score, share = (total / labels for total in sums)
    return {"labels": labels, "score": score, "share": share}


def precision_recall(targets: np.ndarray, scores: np.ndarray, points: int) -> dict[str, np.ndarray]:
    """Precision and recall at falling thresholds, where a positive is found; the sum of AP goes over these.

    Targets and scores of one class, (N,); of more than ``points`` those that lie evenly among the positives.
    Returns ``recall`` and ``precision``, float64 of the same length; empty without a known positive.
    """
    known = targets != UNKNOWN
    order = np.argsort(-scores[known], kind="stable")
    falling, positive = scores[known][order], (targets[known] == POSITIVE)[order]
    last = np.append(falling[1:] != falling[:-1], True)[: len(falling)]
    hits, called = positive.cumsum()[last], np.flatnonzero(last) + 1
    new = np.diff(hits, prepend=0) > 0
    hits, called = hits[new], called[new]
    if len(hits) > points:
        chosen = np.unique(np.linspace(0, len(hits) - 1, points).round().astype(int))
        hits, called = hits[chosen], called[chosen]
    return {"recall": hits / max(1, positive.sum()), "precision": hits / called}


def cooccurrence(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count how often two classes are positive in the same image; int targets (N, C), -1 unknown.

    Returns ``both[i, j]``: images positive for both; ``known[i, j]``: images positive for i in which j is
    known; int64 (C, C) each.
    """
    positive = (targets == POSITIVE).astype(np.float64)
    both, known = positive.T @ positive, positive.T @ (targets != UNKNOWN)
    return both.astype(np.int64), known.astype(np.int64)
