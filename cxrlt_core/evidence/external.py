"""Table 3: models as they are, frozen, on a set that they have not seen, beside their own test set.

Intervals are of the patients of both sets, drawn apart: they say how well these models are known to do there,
and nothing of other trainings.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from cxrlt_core.evidence.estimator import Interval, Sampled, estimate
from cxrlt_core.evidence.scored_table import class_interval
from cxrlt_core.evidence.scoring import FEWEST_PATIENTS, EvaluationSet, mean_ap
from cxrlt_core.evidence.subgroups import NOTHING, Subgroups
from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.metrics.matched import resample_matched
from cxrlt_core.metrics.metric import mean_over_classes
from cxrlt_core.metrics.scores import point_metrics, resample_ranks
from cxrlt_core.system.rounding import rounded

LEAST = 20  # positives of a class below which its AP is not told, and it counts in no mean
EXACT, NEAR = "exact", "near"  # the set labels the class itself, or what is near it
MATCHED = "matched_AP"
#: Metric of a set that has not been seen to the one of the own test set that it is held against.
OWN = {"AUROC": "AUROC", MATCHED: "AP"}
#: Metric to its values of each training seed, on the patients and then on B resamples, float64 (1 + B, C).
Values = Mapping[str, Sequence[np.ndarray]]


@dataclass(frozen=True)
class ClassCounts:
    """A class on a set that has not been seen; ``prevalence`` is that of the own test set."""

    kind: str  # exact or near
    positive: int
    known: int
    patients: int  # with a known positive
    prevalence: float | None

    @property
    def enough(self) -> bool:
        """Whether there are positives enough on it, and labels of both kinds on both sets."""
        return LEAST <= self.positive < self.known and 0 < (self.prevalence or 0) < 1


@dataclass(frozen=True)
class Numbers:
    """A class, or the mean over some; the drop is from the own test set, AP at its prevalence."""

    AUROC: Interval = NOTHING
    AP: Interval = NOTHING
    matched_AP: Interval = NOTHING  # at the prevalence of the own test set
    own_AUROC: float | None = None
    own_AP: float | None = None
    AUROC_drop: Interval = NOTHING
    AP_drop: Interval = NOTHING
    F1: float | None = None  # with the thresholds that development data chose
    ECE_scaled: float | None = None  # with the temperature that they chose


@dataclass(frozen=True)
class ExternalRow:
    """A row of Table 3: means over the classes of each kind, and classes; nothing if it is struck."""

    struck: str | None = None  # why it is: it was trained on the set
    means: Mapping[str, Numbers] = field(default_factory=dict)  # by kind
    classes: Mapping[str, Numbers] = field(default_factory=dict)


@dataclass(frozen=True)
class ExternalResults:
    """Content of metrics/external/<name>.json."""

    images: int
    patients: int
    own: bool  # of the hospital that the study trains on, with other labels
    human: bool  # labelled by people who looked at the images
    classes: Mapping[str, ClassCounts]
    ensembles: Mapping[str, ExternalRow]  # the rows of Table 2
    variants: Mapping[str, ExternalRow]  # with TTA; they are not scored on the own test set
    # published row, if any is, to kind to how it does on subgroups, over exact classes
    subgroups: Mapping[str, Mapping[str, Subgroups]] = field(default_factory=dict)


@dataclass(frozen=True)
class Frozen:
    """A row on a set: its predictions with each training seed, float (N, C), and how they are read."""

    predictions: Sequence[np.ndarray]
    calibrations: Sequence[Calibration] = ()
    own: Sequence[np.ndarray] = ()  # its predictions on the own test set, if it is scored there


@dataclass(frozen=True)
class Comparison:
    """A set that has not been seen, and the own test set, with the same C classes."""

    other: EvaluationSet
    test: EvaluationSet  # with as many resamples
    near: frozenset[str]  # classes of which the set labels what is near them
    level: float  # coverage of the intervals

    @cached_property
    def prevalence(self) -> np.ndarray:
        """Of each class on the own test set, float (C,); NaN without a known label."""
        known = (self.test.targets != UNKNOWN).sum(axis=0)
        with np.errstate(invalid="ignore"):
            return np.asarray((self.test.targets == POSITIVE).sum(axis=0) / known)

    @cached_property
    def counts(self) -> dict[str, ClassCounts]:
        """The classes of which the set has a known label."""
        targets, classes = self.other.targets, self.other.classes
        return {
            name: ClassCounts(
                NEAR if name in self.near else EXACT,
                int((targets[:, c] == POSITIVE).sum()),
                int((targets[:, c] != UNKNOWN).sum()),
                int(classes.patients[c]),
                None if np.isnan(self.prevalence[c]) else float(self.prevalence[c]),
            )
            for c, name in enumerate(classes.names)
            if (targets[:, c] != UNKNOWN).any()
        }

    @cached_property
    def exact(self) -> EvaluationSet:
        """The set without labels of the classes of which it labels only what is near them."""
        near = np.isin(self.other.classes.names, list(self.near))
        return replace(self.other, targets=np.where(near, UNKNOWN, self.other.targets))

    def score(self, row: Frozen) -> ExternalRow:
        """Score a row."""
        names, counts = list(self.other.classes.names), self.counts
        there = ranks_of(self.other, row.predictions, self.prevalence)
        here = ranks_of(self.test, row.own)
        kinds = {
            kind: np.array(
                [name in counts and counts[name].enough and counts[name].kind == kind for name in names]
            )
            for kind in (EXACT, NEAR)
        }
        read = self._read(row)
        means = {}
        for kind, which in kinds.items():
            if which.any():
                told: dict[str, Any] = {
                    metric: rounded(float(mean_over_classes(values, which)))
                    for metric, values in read.items()
                }
                means[kind] = replace(self._numbers(there, here, which), **told)
        alone = dict(zip(names, np.eye(len(names), dtype=bool), strict=True))
        classes = {name: self._of_class(there, here, alone[name], one) for name, one in counts.items()}
        return ExternalRow(None, means, classes)

    def _numbers(self, there: Values, here: Values, which: np.ndarray) -> Numbers:
        """Return the means over some classes, and what is lost on the way from the own test set."""
        means = {metric: self._mean(values, which, self.other) for metric, values in there.items()}
        numbers: dict[str, Any] = {
            name: estimate(mean, None).rounded(self.level) for name, mean in means.items()
        }
        for metric, own in OWN.items() if here else ():
            mean = self._mean(here[own], which, self.test)
            numbers[f"own_{own}"] = rounded(mean.point)
            numbers[f"{own}_drop"] = estimate(mean + -1.0 * means[metric], None).rounded(self.level)
        return Numbers(**numbers)

    def _of_class(self, there: Values, here: Values, which: np.ndarray, counts: ClassCounts) -> Numbers:
        """Return the numbers of a class, each with the interval of a share; AP only of positives enough."""
        told = there if counts.enough else {"AUROC": there["AUROC"]}
        shares: dict[str, Any] = {}
        for metric, values in told.items():
            one = estimate(self._mean(values, which, self.other), None)
            bounds = class_interval(one, counts.patients, self.level)
            shares[metric] = Interval(*map(rounded, (one.point, *bounds)))
        return replace(self._numbers(told, here if counts.enough else {}, which), **shares)

    def _read(self, row: Frozen) -> dict[str, Any]:
        """Return what thresholds and temperature of development data give, (C,) each, if there are any."""
        names = self.other.classes.names
        per_seed = [
            point_metrics(self.other.targets, scores, fit, names, self.other.classes.groups)[1]
            for scores, fit in zip(row.predictions, row.calibrations, strict=False)
        ]
        metrics = ("F1", "ECE_scaled") if per_seed else ()
        return {metric: np.mean([values[metric] for values in per_seed], axis=0) for metric in metrics}

    @staticmethod
    def _mean(values: Sequence[np.ndarray], which: np.ndarray, data: EvaluationSet) -> Sampled:
        mean = mean_ap([v[0, which] for v in values], [v[1:, which] for v in values])
        return mean if len(data.resamples.counts) >= FEWEST_PATIENTS else mean.without_error()


def ranks_of(
    data: EvaluationSet, predictions: Iterable[np.ndarray], prevalence: np.ndarray | None = None
) -> Values:
    """Rank metrics of predictions (N, C), one a seed; AP at a prevalence (C,), too, if one is given."""
    values: dict[str, list[np.ndarray]] = {}
    resamples = data.resamples.with_original()
    for scores in predictions:
        ranks = resample_ranks(data.targets, scores, resamples, data.device)
        found = {metric: ranks[metric] for metric in ("AUROC", "AP")}
        if prevalence is not None:
            matched = resample_matched(data.targets, scores, prevalence, resamples, data.device)
            found[MATCHED] = matched
        for metric, rows in found.items():
            values.setdefault(metric, []).append(rows)
    return values
