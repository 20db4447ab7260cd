"""Subgroups of a set: how a row does on each, and the gap between them, on the same draws of patients.

AP moves with prevalence, which differs from group to group, so it is taken at that of the whole set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cxrlt_core.evidence.estimator import Interval, Sampled, estimate
from cxrlt_core.evidence.external import LEAST, MATCHED, ranks_of
from cxrlt_core.evidence.scoring import EvaluationSet, mean_ap
from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.metrics.bootstrap import PatientResamples

METRICS = ("AUROC", MATCHED)
#: Groups by view: their names, to the views of label tables.
VIEWS = {"frontal": ("PA", "AP"), "lateral": ("LATERAL",)}


@dataclass(frozen=True)
class Subgroup:
    """A part of a set, and the means over the classes that all parts have."""

    images: int
    patients: int
    positives: int  # of these classes
    AUROC: Interval
    matched_AP: Interval  # at the prevalence of the whole set


@dataclass(frozen=True)
class Gap:
    """The largest difference between two parts, in a metric."""

    metric: str
    better: str
    worse: str
    difference: Interval


@dataclass(frozen=True)
class Subgroups:
    """The parts of a set, with the classes that have positives enough, and labels of both kinds, in each."""

    classes: Sequence[str]
    groups: Mapping[str, Subgroup]
    gaps: Sequence[Gap]


def view_groups(views: Sequence[str]) -> dict[str, np.ndarray]:
    """Return which images are frontal and which lateral, bool (N,) each; others are in neither."""
    return {group: np.isin(np.asarray(views, dtype=str), names) for group, names in VIEWS.items()}


def score_subgroups(
    data: EvaluationSet,
    predictions: Sequence[np.ndarray],
    groups: Mapping[str, np.ndarray],
    level: float,
) -> Subgroups | None:
    """Score a row on parts of a set; None where fewer than two have a class in common.

    ``predictions`` are of each training seed, float (N, C); ``groups`` say which images are in each, bool
    (N,). Intervals are of the patients alone, and those of a gap know that a patient may be in both parts.
    """
    enough = np.all([_enough(data.targets[which]) for which in groups.values()], axis=0)
    if not enough.any():
        return None
    known, positive = data.targets != UNKNOWN, data.targets == POSITIVE
    prevalence = positive.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    means = {name: _means(data, predictions, which, prevalence, enough) for name, which in groups.items()}
    scored = {
        name: Subgroup(
            int(which.sum()),
            len(np.unique(data.resamples.patient[which])),
            int(positive[np.ix_(which, enough)].sum()),
            *(estimate(means[name][metric], None).rounded(level) for metric in METRICS),
        )
        for name, which in groups.items()
    }
    names = [name for name, kept in zip(data.classes.names, enough, strict=True) if kept]
    return Subgroups(names, scored, [_gap(metric, means, level) for metric in METRICS])


def _enough(targets: np.ndarray) -> np.ndarray:
    """Say which classes have positives enough, and a negative, bool (C,)."""
    positives = (targets == POSITIVE).sum(axis=0)
    return np.asarray((positives >= LEAST) & (positives < (targets != UNKNOWN).sum(axis=0)))


def _means(
    data: EvaluationSet,
    predictions: Sequence[np.ndarray],
    which: np.ndarray,
    prevalence: np.ndarray,
    enough: np.ndarray,
) -> dict[str, Sampled]:
    """Sample the mean over some classes of each metric, on a part of the set."""
    resamples = PatientResamples(data.resamples.counts, data.resamples.patient[which])
    part = EvaluationSet(data.targets[which], data.classes, resamples, data.device)
    ranks = ranks_of(part, [scores[which] for scores in predictions], prevalence)
    return {
        metric: mean_ap([v[0, enough] for v in ranks[metric]], [v[1:, enough] for v in ranks[metric]])
        for metric in METRICS
    }


def _gap(metric: str, means: Mapping[str, Mapping[str, Sampled]], level: float) -> Gap:
    """Return the pair of parts that differ most."""
    pairs = [sorted(pair, key=lambda name: -means[name][metric].point) for pair in combinations(means, 2)]
    better, worse = max(pairs, key=lambda pair: means[pair[0]][metric].point - means[pair[1]][metric].point)
    difference = means[better][metric] + -1.0 * means[worse][metric]
    return Gap(metric, better, worse, estimate(difference, None).rounded(level))
