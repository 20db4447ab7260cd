"""The metrics of a prediction table, on its patients and on resamples of them.

Unknown labels count nowhere; ties are exact.

A class without a known positive or a known negative is undefined (NaN) in every metric and left out of every
mean; so all rows that are compared on a set are means over the same classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.labels import GROUPS, POSITIVE, UNKNOWN
from cxrlt_core.metrics.bootstrap import PatientResamples, every_image_once
from cxrlt_core.metrics.calibration import Calibration, scale
from cxrlt_core.metrics.metric import (
    RankMetric,
    SumMetric,
    mean_over_classes,
    means,
    metrics,
    metrics_of,
)
from cxrlt_core.metrics.ranking import plain_ap, rank, rank_values
from cxrlt_core.metrics.sums import BINS, Labels, Term, add_terms
from cxrlt_core.system.rounding import or_none
from cxrlt_core.system.threads import in_threads

CPU = torch.device("cpu")


def average_precision(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision per class, step-wise and tie-aware as scikit-learn defines it.

    Takes int targets (N, C), 1, 0 or -1 (unknown, left out), and any monotone scores, float (N, C). Returns
    float64 (C,); NaN for a class without a known positive or without a known negative. ValueError when the
    shapes differ, or a score of a known label is not finite.
    """
    _check_shapes(targets, scores)
    return np.array([plain_ap(t, s) for t, s in zip(targets.T, scores.T, strict=True)], np.float64)


def auroc(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve per class; arguments and result as :func:`average_precision`."""
    return resample_ranks(targets, scores, every_image_once(len(targets)))["AUROC"][0]


def _check_shapes(targets: np.ndarray, scores: np.ndarray) -> None:
    if targets.shape != scores.shape or targets.ndim != 2:
        raise ValueError(f"expected two (N, C) arrays, found {targets.shape} and {scores.shape}")


def resample_ranks(
    targets: np.ndarray,
    scores: np.ndarray,
    resamples: PatientResamples,
    device: torch.device = CPU,
    with_pooled: bool = False,
) -> dict[str, np.ndarray]:
    """Rank metrics of every class in every of B resamples; targets and scores (N, C).

    Returns ``AP``, ``AUROC`` and what else ranks, float64 (B, C) each; NaN where a resample leaves a class
    undefined; where asked for, also those of pooled labels, float64 (B,).
    """
    _check_shapes(targets, scores)
    ranked, pooled = metrics_of(RankMetric), metrics_of(RankMetric, pooled=True)
    columns = [(*column, ranked) for column in zip(targets.T, scores.T, strict=True)]
    if with_pooled:  # first: it takes as long as all classes together
        positive = targets == POSITIVE
        defined = positive.any(axis=0) & ((targets != UNKNOWN) & ~positive).any(axis=0)
        columns.insert(0, (targets[:, defined], scores[:, defined], pooled))
    chunks = list(resamples.chunks(device))

    def evaluate(column: tuple[np.ndarray, np.ndarray, list[RankMetric]]) -> np.ndarray:
        targets, scores, metrics = column
        ranking = rank(targets, scores, resamples.patient, device)
        if ranking is None:
            return np.full((len(metrics), len(resamples)), np.nan)
        return torch.cat([rank_values(ranking, weights, metrics) for weights in chunks], dim=1).cpu().numpy()

    values = in_threads(evaluate, columns)
    of_all = zip(pooled, values.pop(0), strict=True) if with_pooled else ()
    of_classes = np.array(values).reshape(-1, len(ranked), len(resamples)).transpose(1, 2, 0)
    return {metric.name: numbers for metric, numbers in [*of_all, *zip(ranked, of_classes, strict=True)]}


def resample(
    targets: np.ndarray,
    scores: np.ndarray,
    calibration: Calibration,
    resamples: PatientResamples,
    device: torch.device = CPU,
) -> dict[str, np.ndarray]:
    """Every metric in every of B resamples, of int targets (N, C), -1 unknown, and probabilities (N, C).

    Returns name of each metric to its values, float64 (B, C); of a pooled one, over all labels of the classes
    that are defined in the set, float64 (B,).
    """
    ranks = resample_ranks(targets, scores, resamples, device, with_pooled=True)
    sums = _from_sums(targets, scores, calibration, resamples, device)
    undefined = np.isnan(ranks["AP"])
    return ranks | {name: np.where(undefined, np.nan, values) for name, values in sums.items()}


def _from_sums(
    targets: np.ndarray,
    scores: np.ndarray,
    calibration: Calibration,
    resamples: PatientResamples,
    device: torch.device,
) -> dict[str, np.ndarray]:
    """Metrics that follow from sums, of every class in every resample; float64 (B, C)."""
    # in an order that no column decides: another one may move the last bit of a sum
    summed = sorted(metrics_of(SumMetric), key=lambda m: (max(m.widths), -len(m.widths), m.name))
    scaled, patients = scale(scores, calibration.temperature), len(resamples.counts)

    def of_class(column: tuple[np.ndarray, np.ndarray, np.ndarray, float]) -> np.ndarray:
        target, score, scaled_score, threshold = column
        known = target != UNKNOWN
        exact, exact_scaled = (values[known].astype(np.float64) for values in (score, scaled_score))
        labels = Labels(target[known] == POSITIVE, exact, exact_scaled, threshold)
        terms = [Term(np.ones(len(labels.positive))), Term(labels.positive)]
        terms += (term for metric in summed for term in metric.terms(labels))
        return add_terms(terms, resamples.patient[known], patients)

    columns = zip(targets.T, scores.T, scaled.T, calibration.thresholds, strict=True)
    sums = in_threads(of_class, columns)
    narrow = 2 + sum(metric.widths.count(1) for metric in summed)
    width = 2 + sum(sum(metric.widths) for metric in summed)
    total = _weigh(sums, width, resamples, device)
    binned = total[..., narrow:].unflatten(-1, (-1, BINS)).abs().sum(-1)
    known, positive, *terms = list(total[..., :narrow].unbind(-1)) + list(binned.unbind(-1))
    values = {}
    for metric in summed:
        chosen, terms = terms[: len(metric.widths)], terms[len(metric.widths) :]
        values[metric.name] = metric.value(chosen, known, positive).numpy()
        if metric.tuned:
            values[metric.name][:, np.isnan(calibration.thresholds)] = np.nan
    return values


def _weigh(
    sums: Sequence[np.ndarray], width: int, resamples: PatientResamples, device: torch.device
) -> Tensor:
    """Add up sums by patient, (P, width) of each class, over every resample; float64 (B, C, width)."""
    flat = np.concatenate(sums, axis=1) if sums else np.empty((len(resamples.counts), 0))
    filled = flat.any(axis=0)  # a rare class has no score in most bins
    part = torch.from_numpy(flat[:, filled]).to(device)
    total = torch.zeros((len(resamples), flat.shape[1]), dtype=torch.float64)
    chunks = [(counts.double().T @ part).cpu() for counts in resamples.chunks(device)]
    total[:, torch.from_numpy(filled)] = torch.cat(chunks)
    return total.unflatten(1, (len(sums), width))


def group_masks(classes: Sequence[str], groups: Mapping[str, str]) -> dict[str | None, np.ndarray]:
    """Which classes are head, medium and tail, and with None which are any; bool (C,) each."""
    masks: dict[str | None, np.ndarray] = {None: np.full(len(classes), True)}
    return masks | {group: np.array([groups[name] == group for name in classes]) for group in GROUPS}


def point_metrics(
    targets: np.ndarray,
    scores: np.ndarray,
    calibration: Calibration,
    classes: Sequence[str],
    groups: Mapping[str, str],
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Point estimates of one prediction table: int targets and probabilities, (N, C) each.

    Returns name of each mean to its value; each metric of a class to its values, (C,).
    """
    resampled = resample(targets, scores, calibration, every_image_once(len(targets)))
    values = {name: rows[0] for name, rows in resampled.items()}
    masks, summary = group_masks(classes, groups), {}
    for mean in means():
        of_mean, mask = values[mean.metric.name], masks[mean.group]
        summary[mean.name] = float(of_mean if mean.metric.pooled else mean_over_classes(of_mean[mask]))
    return summary, {metric.name: values[metric.name] for metric in metrics() if not metric.pooled}


def describe_scores(
    targets: np.ndarray,
    per_class: Mapping[str, np.ndarray],
    classes: Sequence[str],
    groups: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """Class to its metrics, counts and group, as JSON-ready numbers."""
    return {
        name: {
            **{metric: or_none(values[c]) for metric, values in per_class.items()},
            "positive": int((targets[:, c] == POSITIVE).sum()),
            "known": int((targets[:, c] != UNKNOWN).sum()),
            "group": groups[name],
        }
        for c, name in enumerate(classes)
    }
