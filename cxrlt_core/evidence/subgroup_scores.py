"""How a row does on each part of a set, and the gap between parts, on the same draws of patients.

AP moves with prevalence, which differs from part to part, so it is taken at that of the whole set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from cxrlt_core.evidence.estimator import Sampled, estimate
from cxrlt_core.evidence.external import LEAST, MATCHED, ranks_of
from cxrlt_core.evidence.scoring import FEWEST_PATIENTS, EvaluationSet, mean_ap
from cxrlt_core.evidence.subgroups import NOT_TOLD, Gap, Groups, Subgroup, Subgroups
from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.metrics.bootstrap import PatientResamples

METRICS = ("AUROC", MATCHED)


def score_kinds(
    data: EvaluationSet, predictions: Sequence[np.ndarray], kinds: Mapping[str, Groups], level: float
) -> dict[str, Subgroups]:
    """Score a row on the parts of each kind, from :func:`cxrlt_core.evidence.subgroups.groups_of`."""
    return {kind: score_subgroups(data, predictions, groups, level) for kind, groups in kinds.items()}


def score_subgroups(
    data: EvaluationSet, predictions: Sequence[np.ndarray], groups: Groups, level: float
) -> Subgroups:
    """Count the parts of a set, and score a row on those that can be compared.

    ``predictions`` are of each training seed, float (N, C). Intervals are of the patients alone, and those of
    a gap know that a patient may be in both parts.
    """
    enough = {name: _enough(data, which) for name, which in groups.items()}
    rest = enough.pop(NOT_TOLD, None)  # it takes no class from those that are told
    names, classes = _compared(enough)
    if rest is not None and names and rest[classes].all():
        names += (NOT_TOLD,)
    known, positive = data.targets != UNKNOWN, data.targets == POSITIVE
    prevalence = positive.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    means = {name: _means(data, predictions, groups[name], prevalence, classes) for name in names}
    parts = {}
    for name, which in groups.items():
        told: dict[str, Any] = {
            metric: estimate(sampled, None).rounded(level) for metric, sampled in means.get(name, {}).items()
        }
        parts[name] = replace(_counted(data, which, classes), **told)
    pairs = list(combinations([name for name in names if name != NOT_TOLD], 2))
    gaps = [_gap(metric, means, pairs, level) for metric in METRICS if pairs]
    labels = [name for name, kept in zip(data.classes.names, classes, strict=True) if kept]
    return Subgroups(labels, parts, gaps)


def _enough(data: EvaluationSet, which: np.ndarray) -> np.ndarray:
    """Say which classes have positives and positive patients enough in a part, and a negative, bool (C,)."""
    targets, patient = data.targets[which], data.resamples.patient[which]
    positives = (targets == POSITIVE).sum(axis=0)
    patients = np.array([len(np.unique(patient[column == POSITIVE])) for column in targets.T])
    negative = positives < (targets != UNKNOWN).sum(axis=0)
    return np.asarray((positives >= LEAST) & (patients >= FEWEST_PATIENTS) & negative)


def _compared(enough: Mapping[str, np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    """Choose the parts that are scored, and the classes that all of them have; none below two.

    Of all choices it is the one with most parts times classes, so that a small part does not take the classes
    of all others. It sees counts of labels alone.
    """
    none = np.zeros_like(next(iter(enough.values())))
    choices = (names for size in range(len(enough), 1, -1) for names in combinations(enough, size))
    shared = {names: np.all([enough[name] for name in names], axis=0) for names in choices}
    best = max(shared, key=lambda names: len(names) * int(shared[names].sum()), default=())
    return (best, shared[best]) if shared.get(best, none).any() else ((), none)


def _counted(data: EvaluationSet, which: np.ndarray, classes: np.ndarray) -> Subgroup:
    """Count images, patients and positives of a part; what is of fewer than FEWEST_PATIENTS is not told."""
    patient = data.resamples.patient[which]
    patients = len(np.unique(patient))
    if patients < FEWEST_PATIENTS:
        return Subgroup(None, None, None)
    positive = data.targets[which][:, classes] == POSITIVE
    sick = len(np.unique(patient[positive.any(axis=1)]))
    return Subgroup(len(patient), patients, int(positive.sum()) if sick >= FEWEST_PATIENTS else None)


def _means(
    data: EvaluationSet,
    predictions: Sequence[np.ndarray],
    which: np.ndarray,
    prevalence: np.ndarray,
    classes: np.ndarray,
) -> dict[str, Sampled]:
    """Sample the mean over some classes of each metric, on a part of the set."""
    resamples = PatientResamples(data.resamples.counts, data.resamples.patient[which])
    part = EvaluationSet(data.targets[which], data.classes, resamples, data.device)
    ranks = ranks_of(part, [scores[which] for scores in predictions], prevalence)
    return {
        metric: mean_ap([v[0, classes] for v in ranks[metric]], [v[1:, classes] for v in ranks[metric]])
        for metric in METRICS
    }


def _gap(
    metric: str, means: Mapping[str, Mapping[str, Sampled]], pairs: Sequence[tuple[str, str]], level: float
) -> Gap:
    """Return the pair of parts that differ most; the interval is wide enough for all pairs at once."""
    ordered = [sorted(pair, key=lambda name: -means[name][metric].point) for pair in pairs]
    better, worse = max(ordered, key=lambda pair: means[pair[0]][metric].point - means[pair[1]][metric].point)
    difference = means[better][metric] + -1.0 * means[worse][metric]
    return Gap(metric, better, worse, estimate(difference, None).rounded(level, len(pairs)), len(pairs))
