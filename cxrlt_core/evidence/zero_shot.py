"""Classes that a model was never trained on, as it ranks images for them, beside what costs nothing.

That is chance, and the score of the trained label whose name is most like theirs. Intervals are of the
patients, who are the same for all; they say nothing of other trainings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.evidence.estimator import Interval, Sampled, estimate
from cxrlt_core.evidence.external import ranks_of
from cxrlt_core.evidence.scored_table import class_interval
from cxrlt_core.evidence.scoring import FEWEST_PATIENTS, EvaluationSet, mean_ap
from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.system.rounding import rounded

METRICS = ("AP", "AUROC")


@dataclass(frozen=True)
class Asked:
    """What a training that does not know a class says of it."""

    fold: int  # from 1
    expressed: float  # the share of its name that the trained ones express, ‖c‖²
    nearest: str  # the trained label whose name is most like its own
    cosine: float  # of the two names
    scores: np.ndarray  # of the N images, zero-shot, float32 (N,)
    nearest_scores: np.ndarray  # of the nearest label, likewise


@dataclass(frozen=True)
class Compared:
    """A class, or the mean over some: metric to its number, and to differences on the same patients."""

    zero_shot: Mapping[str, Interval]
    nearest: Mapping[str, Interval]
    chance: Mapping[str, float | None]  # AP: the share of positives
    over_chance: Mapping[str, Interval]
    over_nearest: Mapping[str, Interval]


@dataclass(frozen=True)
class HiddenClass:
    """A class that was hidden once; fields as of :class:`Asked`."""

    fold: int
    expressed: float
    nearest: str
    cosine: float
    positive: int
    known: int
    patients: int  # with a known positive
    numbers: Compared


@dataclass(frozen=True)
class ZeroShotResults:
    """Content of metrics/zero_shot/<variant>.json."""

    seed: int  # of the trainings
    prompt: str  # of the text encoder, as it was before any of them
    images: int
    patients: int
    hidden: Sequence[Sequence[str]]  # classes of each fold
    unknown: Sequence[Sequence[str]]  # those of which its training had no label, since they tell of these
    apart: Sequence[str]  # classes that cannot be hidden
    counted: Sequence[str]  # classes that the mean is over
    mean: Compared
    classes: Mapping[str, HiddenClass]


def compare_hidden(
    data: EvaluationSet, asked: Mapping[str, Asked], level: float
) -> tuple[list[str], Compared, dict[str, HiddenClass]]:
    """Score hidden classes, the C of the set in its order.

    Returns the classes that the mean is over, those with patients enough that are positive; the mean; and
    each class.
    """
    names = list(data.classes.names)
    scores = np.stack([asked[name].scores for name in names], axis=1)
    nearest = np.stack([asked[name].nearest_scores for name in names], axis=1)
    ranks = [ranks_of(data, [values]) for values in (scores, nearest, np.zeros_like(scores))]
    counted = data.classes.tested & np.isfinite(ranks[0]["AP"][0][0])
    alone = np.eye(len(names), dtype=bool)
    classes = {}
    for c, name in enumerate(names):
        one, patients, column = asked[name], int(data.classes.patients[c]), data.targets[:, c]
        told = one.fold, one.expressed, one.nearest, one.cosine
        counts = int((column == POSITIVE).sum()), int((column != UNKNOWN).sum()), patients
        numbers = _compare([_sampled(r, alone[c], data) for r in ranks], level, patients)
        classes[name] = HiddenClass(*told, *counts, numbers)
    mean = _compare([_sampled(r, counted, data) for r in ranks], level)
    return [name for name, counts in zip(names, counted, strict=True) if counts], mean, classes


def _sampled(
    ranks: Mapping[str, Sequence[np.ndarray]], which: np.ndarray, data: EvaluationSet
) -> dict[str, Sampled]:
    """Sample the mean over some classes of each metric."""
    means = {
        metric: mean_ap([v[0, which] for v in ranks[metric]], [v[1:, which] for v in ranks[metric]])
        for metric in METRICS
    }
    few = len(data.resamples.counts) < FEWEST_PATIENTS
    return {metric: mean.without_error() if few else mean for metric, mean in means.items()}


def _compare(samples: Sequence[Mapping[str, Sampled]], level: float, patients: int | None = None) -> Compared:
    """Compare what was asked, its nearest label, and chance; of one class with its positive patients."""
    asked, nearest, chance = samples

    def share(one: Sampled) -> Interval:
        found = estimate(one, None)
        if patients is None:
            return found.rounded(level)
        return Interval(*map(rounded, (found.point, *class_interval(found, patients, level))))

    def over(other: Mapping[str, Sampled]) -> dict[str, Interval]:
        return {m: estimate(asked[m] + -1.0 * other[m], None).rounded(level) for m in METRICS}

    return Compared(
        {m: share(asked[m]) for m in METRICS},
        {m: share(nearest[m]) for m in METRICS},
        {m: rounded(chance[m].point) for m in METRICS},
        over(chance),
        over(nearest),
    )
