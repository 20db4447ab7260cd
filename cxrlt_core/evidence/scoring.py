"""A row of a table: every metric, with each training seed, on the patients and on their resamples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch

from cxrlt_core.evidence.estimator import Sampled
from cxrlt_core.labels import GROUPS, POSITIVE
from cxrlt_core.metrics.bootstrap import PatientResamples, centred
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.metrics.metric import mean_over_classes, means, metrics
from cxrlt_core.metrics.scores import CPU, describe_scores, group_masks, resample

#: Means that contrasts are about: their names, and those of the means over classes that bear a verdict.
TESTED = {name: f"tested_{name}" for name in ("mAP", *(f"mAP_{group}" for group in GROUPS))}


def ap_of(name: str) -> str:
    """Name the average precision of one class, which is a mean like the others: over itself."""
    return f"AP of {name}"


def auroc_of(name: str) -> str:
    """Name the AUROC of one class, likewise."""
    return f"AUROC of {name}"


FEWEST_PATIENTS = 10  # that resamples say anything of


@dataclass(frozen=True)
class Classes:
    """The classes of a set, and how far they bear a verdict."""

    names: Sequence[str]  # of the C columns
    groups: Mapping[str, str]  # class to head, medium or tail
    patients: np.ndarray  # patients with a known positive, int (C,)
    least: int  # positive patients that a class needs to count in a verdict

    @property
    def tested(self) -> np.ndarray:
        """Which classes count in verdicts, bool (C,)."""
        return self.patients >= self.least

    @property
    def members(self) -> dict[str, np.ndarray]:
        """Each mean of average precision, those of verdicts included, to its classes, bool (C,)."""
        masks = group_masks(self.names, self.groups)
        members = {f"mAP_{group}" if group else "mAP": mask for group, mask in masks.items()}
        members |= {TESTED[name]: which & self.tested for name, which in members.items()}
        alone = np.eye(len(self.names), dtype=bool)
        return members | {ap_of(name): which for name, which in zip(self.names, alone, strict=True)}

    def means(self, ap: np.ndarray) -> dict[str, np.ndarray]:
        """Take each mean of average precision over its defined classes, the last axis; NaN without any."""
        return {name: mean_over_classes(ap, which) for name, which in self.members.items()}


@dataclass(frozen=True)
class Score:
    """Metrics of one row."""

    means: dict[str, Sampled]  # name of each mean (mAP, mAP_head, …, tested_mAP, …) to its samples
    classes: dict[str, dict[str, Any]]  # class to its metrics, averaged over the seeds, and counts
    predictions: tuple[str, ...] = ()  # digest of what was predicted with each seed; empty: not known

    def __getitem__(self, name: str) -> Sampled:
        """Return a mean."""
        return self.means[name]


@dataclass(frozen=True)
class EvaluationSet:
    """Images that rows are scored on."""

    targets: np.ndarray  # int (N, C), -1 unknown
    classes: Classes  # of the C columns
    resamples: PatientResamples  # of the patients, the same for every row that is compared
    device: torch.device = CPU  # to compute on


def count_classes(
    targets: np.ndarray,
    resamples: PatientResamples,
    names: Sequence[str],
    groups: Mapping[str, str],
    least: int,
) -> Classes:
    """Count the patients with a known positive of each class; arguments as the fields of :class:`Classes`."""
    patients = [len(np.unique(resamples.patient[column == POSITIVE])) for column in targets.T]
    return Classes(names, groups, np.array(patients), least)


def score_row(
    data: EvaluationSet,
    probabilities: Sequence[np.ndarray],
    calibrations: Sequence[Calibration],
    repeated: Sequence[Mapping[str, np.ndarray]] = (),
) -> Score:
    """Score one row.

    Of each training seed: ``probabilities``, float (N, C); ``calibrations``; and ``repeated``, metrics with
    other choices, float (R, 1 + K, C), from :func:`cxrlt_core.evidence.selection.repeat_choice`, empty where
    nothing was chosen.
    """
    classes, seeds, per_class, resamples = data.classes, [], [], data.resamples.with_original()
    chosen = repeated or [{}] * len(probabilities)
    for scores, calibration, choices in zip(probabilities, calibrations, chosen, strict=True):
        values = resample(data.targets, scores, calibration, resamples, data.device)
        per_class.append({metric.name: values[metric.name][0] for metric in metrics() if not metric.pooled})
        seeds.append(_one_seed(values, choices, classes))
    averaged = {metric: np.mean([v[metric] for v in per_class], axis=0) for metric in per_class[0]}
    described = describe_scores(data.targets, averaged, classes.names, classes.groups)
    for name, patients in zip(classes.names, classes.patients, strict=True):
        described[name]["patients"] = int(patients)
    means = {name: _sampled([seed[name] for seed in seeds]) for name in seeds[0]}
    if len(data.resamples.counts) < FEWEST_PATIENTS:
        means = {name: mean.without_error() for name, mean in means.items()}
    return Score(means, described, tuple(map(_digest, probabilities)))


def _digest(probabilities: np.ndarray) -> str:
    """Tell predictions apart, in single precision."""
    return sha256(np.ascontiguousarray(probabilities, np.float32).tobytes()).hexdigest()


#: Point, deviations (B,), bias and deviations of other choices (R, 1 + K) of a mean.
_Sample = tuple[float, np.ndarray, float, np.ndarray]


def mean_ap(
    points: Sequence[np.ndarray],
    resampled: Sequence[np.ndarray] | None = None,
    repeated: Sequence[np.ndarray] | None = None,
) -> Sampled:
    """Mean over all defined classes of average precision, of each training seed.

    ``points``, (C,); ``resampled``, on resampled patients, (B, C), absent where they are not these;
    ``repeated``, with other choices, (R, K, C), absent where nothing was chosen.
    """
    every = np.full(len(points[0]), True)
    nothing = [None] * len(points)
    columns = zip(points, resampled or nothing, repeated or nothing, strict=True)
    return _sampled([_mean_of(*_columns(*seed), every) for seed in columns])


def _sampled(seeds: Sequence[_Sample]) -> Sampled:
    return Sampled(*map(np.array, zip(*seeds, strict=True)))


def _one_seed(
    values: Mapping[str, np.ndarray], choices: Mapping[str, np.ndarray], classes: Classes
) -> dict[str, _Sample]:
    """Sample every mean with one training seed, from values on the patients and then on resamples of them."""
    columns = {
        metric: _columns(np.atleast_1d(rows[0]), rows[1:], choices.get(metric))
        for metric, rows in values.items()
    }
    masks = group_masks(classes.names, classes.groups)
    over = {
        mean.name: (mean.metric.name, np.array([True]) if mean.metric.pooled else masks[mean.group])
        for mean in means()
    }
    over |= {name: ("AP", mask) for name, mask in classes.members.items()}
    alone = zip(classes.names, np.eye(len(classes.names), dtype=bool), strict=True)
    over |= {auroc_of(name): ("AUROC", mask) for name, mask in alone}
    return {name: _mean_of(*columns[metric], mask) for name, (metric, mask) in over.items()}


def _columns(
    points: np.ndarray, samples: np.ndarray | None, others: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points (C,), deviations (B, C), biases (C,) and deviations of other choices (R, K, C) of the classes.

    A resample holds some positives twice, and average precision rewards that: with few positives the
    resamples lie above the estimate as a whole, so each class is taken about its own mean.
    """
    samples = np.zeros((1, len(points))) if samples is None else samples.reshape(len(samples), -1)
    others = np.zeros((1, 1, len(points))) if others is None else others
    mean, deviations = centred(samples, axis=0)
    return points, deviations, np.nan_to_num(mean[0] - points), centred(others, axis=0)[1]


def _mean_of(
    points: np.ndarray, deviations: np.ndarray, bias: np.ndarray, others: np.ndarray, which: np.ndarray
) -> _Sample:
    which = which & np.isfinite(points)
    if not which.any():
        return np.nan, np.zeros(len(deviations)), np.nan, np.zeros(others.shape[:2])
    return (
        points[which].mean(),
        deviations[:, which].mean(axis=1),
        bias[which].mean(),
        others[:, :, which].mean(axis=2),
    )
