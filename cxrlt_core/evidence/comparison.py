"""Systems of any making, compared on labelled images: intervals and verdicts as those of a study's rows.

All pairs of systems are one family. docs/compare.md says it for users.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from cxrlt_core.evidence.estimator import Estimate, Sampled, SeedVariance
from cxrlt_core.evidence.family import MIN_SEEDS, Bounds, Family, family_size
from cxrlt_core.evidence.scoring import FEWEST_PATIENTS, mean_ap
from cxrlt_core.evidence.system_noise import estimate_difference, estimate_system, shown_by
from cxrlt_core.evidence.systems import (
    LEAST,
    ClassCounts,
    Labels,
    Rules,
    System,
    count_classes,
    same,
    warnings_of_labels,
    warnings_of_systems,
)
from cxrlt_core.metrics.bootstrap import PatientResamples, every_image_once, resample_patients
from cxrlt_core.metrics.calibration import calibrate_on_itself
from cxrlt_core.metrics.metric import Metric, RankMetric, mean_over_classes, means
from cxrlt_core.metrics.scores import resample, resample_ranks
from cxrlt_core.system.errors import StudyError, meant, shown
from cxrlt_core.system.records import to_json
from cxrlt_core.system.rounding import rounded


@dataclass(frozen=True)
class SystemScore:
    """What is known of a system; four decimals, None where undefined."""

    value: float | None  # the metric over all defined classes, a mean over the seeds
    interval: Bounds  # of the value, by itself
    std_error: float | None  # of the value
    seeds: list[float | None]  # value of each seed
    classes: dict[str, float | None]  # class to its value, a mean over the seeds; empty of a pooled metric


@dataclass(frozen=True)
class SystemContrast:
    """The difference of two systems; four decimals, None where undefined or withheld."""

    pair: tuple[str, str]  # the first minus the second
    seeds: tuple[int, int]  # their numbers
    difference: float | None  # over the classes that bear a verdict
    interval: Bounds  # simultaneous: those of all pairs and looks hold together
    verdict: str  # by this interval
    interval_alone: Bounds  # of this difference, by itself
    std_error: float | None  # of the difference
    p: float | None  # of no difference, two-sided
    p_adjusted: float | None  # for all pairs and looks
    detectable: float | None  # difference that four of five such comparisons would resolve
    equivalent_within: float | None  # smallest margin at which the two would be equivalent


@dataclass(frozen=True)
class Comparison:
    """Systems and all their pairs, in the order in which they were given."""

    rules: Rules
    higher_is_better: bool  # of the metric
    images: int
    patients: int
    classes: dict[str, ClassCounts]
    systems: dict[str, SystemScore]
    contrasts: list[SystemContrast]
    warnings: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return plain values; that of a system stands under the name of the metric."""
        content: dict[str, Any] = to_json(self)
        content["systems"] = {
            name: {self.rules.metric: entry.pop("value"), **entry}
            for name, entry in content["systems"].items()
        }
        return content


class _Scored(NamedTuple):
    """A system over all defined classes, over those that bear a verdict, and class by class."""

    every: Sampled
    tested: Sampled
    classes: np.ndarray  # float64 (C,), a mean over the seeds


def compare(
    labels: Labels, systems: Mapping[str, System], rules: Rules | None = None, pool: Sequence[System] = ()
) -> Comparison:
    """Judge all pairs of systems, all on the same resampled patients.

    ``pool`` are further trainings, whose seeds tell how much trainings vary. StudyError when there are no two
    systems, the metric is unknown, or no class is defined.
    """
    rules = rules or Rules()
    metric = find_metric(rules.metric)
    if len(systems) < 2:
        raise StudyError(f"{len(systems)} system, expected two or more to compare")
    resamples = resample_patients(labels.patients, rules.resamples, rules.seed)
    counts = count_classes(labels, resamples.patient)
    if not any(each.defined for each in counts.values()):
        raise StudyError("no class has a known positive and a known negative, expected one to compare by")
    classes, least = ([], 0) if metric.pooled else (labels.classes, LEAST)
    tested = np.array([counts[name].fewest >= least for name in classes] or [True])
    original, once = resamples.with_original(), every_image_once(len(labels.images))
    values = {
        name: [_evaluate(labels, scores, metric, rules, original) for scores in system.seeds]
        for name, system in systems.items()
    }
    further = [
        np.array([_evaluate(labels, scores, metric, rules, once)[0] for scores in system.seeds])
        for system in pool
    ]
    known = len(resamples.counts) >= FEWEST_PATIENTS
    scored = {name: _sampled(of_seeds, tested, known) for name, of_seeds in values.items()}
    prior = shown_by([mean_over_classes(each) for each in further])
    tested_prior = shown_by([mean_over_classes(each, tested) for each in further])
    return Comparison(
        rules=rules,
        higher_is_better=metric.higher_is_better,
        images=len(labels.images),
        patients=len(resamples.counts),
        classes=counts,
        systems={name: _describe(each, prior, classes, rules.level) for name, each in scored.items()},
        contrasts=_judge(systems, scored, tested_prior, rules),
        warnings=warnings_of_labels(counts, least, len(resamples.counts))
        + warnings_of_systems(systems, pool, rules.looks),
    )


def find_metric(name: str) -> Metric:
    """Return the metric of a mean over all classes; StudyError when there is none of that name."""
    known = {mean.name: mean.metric for mean in means() if mean.group is None}
    if name not in known:
        expected = meant(name, known) or f", expected one of {', '.join(known)}"
        raise StudyError(f"no metric {shown(name)}{expected}")
    return known[name]


def _evaluate(
    labels: Labels, scores: np.ndarray, metric: Metric, rules: Rules, resamples: PatientResamples
) -> np.ndarray:
    """Score one training in each of B resamples; float64 (B, C), of a pooled metric (B, 1)."""
    if isinstance(metric, RankMetric):
        values = resample_ranks(labels.targets, scores, resamples, with_pooled=metric.pooled)
    else:
        probabilities = expit(scores) if rules.logits else scores
        calibration = calibrate_on_itself(labels.targets, probabilities, labels.patients)
        values = resample(labels.targets, probabilities, calibration, resamples)
    return values[metric.name].reshape(len(resamples), -1)


def _sampled(values: Sequence[np.ndarray], tested: np.ndarray, known: bool) -> _Scored:
    """Take the means of a system, of whose error nothing is known on too few patients."""

    def over(which: np.ndarray) -> Sampled:
        chosen = [each[:, which] for each in values]
        sampled = mean_ap([each[0] for each in chosen], [each[1:] for each in chosen])
        return sampled if known else sampled.without_error()

    original = np.mean([each[0] for each in values], axis=0)
    return _Scored(over(np.full_like(tested, True)), over(tested), original)


def _describe(scored: _Scored, prior: SeedVariance, classes: Sequence[str], level: float) -> SystemScore:
    estimate = estimate_system(scored.every, prior)
    interval = estimate.rounded(level)
    return SystemScore(
        value=interval.point,
        interval=interval[1:],
        std_error=rounded(estimate.std_error),
        seeds=[rounded(value) for value in scored.every.points],
        classes=dict(zip(classes, map(rounded, scored.classes), strict=bool(classes))),
    )


def _judge(
    systems: Mapping[str, System], scored: Mapping[str, _Scored], prior: SeedVariance, rules: Rules
) -> list[SystemContrast]:
    """Judge all pairs as one family, whose error rate the looks share alike."""
    pairs = [(name, reference) for reference, name in combinations(systems, 2)]
    estimates = []
    for name, reference in pairs:
        estimate = estimate_difference(scored[name].tested, scored[reference].tested, prior)
        if not estimate.std_error > 0:
            alike = _alike(systems[name].seeds, systems[reference].seeds)
            estimate = replace(estimate, std_error=0.0 if alike else np.nan)
        estimates.append(estimate)
    family = Family(rules.level, rules.margin, family_size(estimates), rules.looks)
    contrasts = []
    for pair, estimate in zip(pairs, estimates, strict=True):
        first, second = (len(systems[name].seeds) for name in pair)
        contrasts.append(_contrast(pair, (first, second), estimate, family))
    return contrasts


def _alike(seeds: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return len(seeds) == len(others) and all(map(same, seeds, others))


def _contrast(
    pair: tuple[str, str], seeds: tuple[int, int], estimate: Estimate, family: Family
) -> SystemContrast:
    judged, alone = family.judge(estimate), estimate.rounded(family.level)
    return SystemContrast(
        pair=pair,
        seeds=seeds,
        difference=alone.point,
        interval=judged.simultaneous,
        verdict=judged.verdict,
        interval_alone=alone[1:],
        std_error=rounded(estimate.std_error),
        p=rounded(estimate.p_value()) if estimate.seeds >= MIN_SEEDS else None,
        p_adjusted=judged.p_adjusted,
        detectable=family.detectable(estimate),
        equivalent_within=judged.equivalent_within,
    )
