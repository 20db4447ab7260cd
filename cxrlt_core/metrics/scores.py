"""The metrics of a prediction table, on its patients and on resamples of them.

Unknown labels count nowhere; ties are exact.

A class without a known positive or a known negative is undefined (NaN) in every metric and left out of every
mean; so all rows that are compared on a set are means over the same classes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.labels import GROUPS, POSITIVE, UNKNOWN
from cxrlt_core.metrics.bootstrap import PatientResamples, every_image_once
from cxrlt_core.metrics.calibration import Calibration, scale
from cxrlt_core.metrics.ranking import plain_ap, rank, weighted_ap_auroc
from cxrlt_core.metrics.sums import TERMS, add_terms, from_sums
from cxrlt_core.system.rounding import or_none
from cxrlt_core.system.threads import in_threads

CPU = torch.device("cpu")
#: Metrics that read probabilities: at the tuned threshold and at 0.5, before temperature scaling and after.
READ = ("F1", "F1_half", "NLL", "NLL_scaled", "ECE", "ECE_scaled", "Brier")
#: Metric of a class to the name of its mean over the classes.
MEANS = {"AP": "mAP", "AUROC": "mAUROC", **{name: name for name in READ}}
SUMMARY = ("mAP", *(f"mAP_{group}" for group in GROUPS), "mAUROC", "micro_AP", *READ)


def average_precision(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision per class, step-wise and tie-aware as scikit-learn defines it.

    Args:
        targets: 1, 0 or -1 (unknown, left out); int (N, C).
        scores: any monotone score; float (N, C).

    Returns:
        float64 (C,); NaN for a class without a known positive or without a known negative.

    Raises:
        ValueError: when the shapes differ, or a score of a known label is not finite.
    """
    _check_shapes(targets, scores)
    return np.array([plain_ap(t, s) for t, s in zip(targets.T, scores.T, strict=True)], np.float64)


def auroc(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve per class; arguments and result as :func:`average_precision`."""
    return resample_ranks(targets, scores, every_image_once(len(targets)))["AUROC"][0]


def resample_ranks(
    targets: np.ndarray, scores: np.ndarray, resamples: PatientResamples, device: torch.device = CPU
) -> dict[str, np.ndarray]:
    """AP and AUROC of every class in every resample.

    Args:
        targets: int (N, C), -1 unknown.
        scores: float (N, C).
        resamples: B resamples of the N images.
        device: to compute on.

    Returns:
        ``AP`` and ``AUROC``, float64 (B, C) each; NaN where a resample leaves a class undefined.
    """
    _check_shapes(targets, scores)
    ap, auc = _evaluate([*zip(targets.T, scores.T, strict=True)], resamples, device)
    return {"AP": ap, "AUROC": auc}


def _check_shapes(targets: np.ndarray, scores: np.ndarray) -> None:
    if targets.shape != scores.shape or targets.ndim != 2:
        raise ValueError(f"expected two (N, C) arrays, found {targets.shape} and {scores.shape}")


def resample(
    targets: np.ndarray,
    scores: np.ndarray,
    calibration: Calibration,
    resamples: PatientResamples,
    device: torch.device = CPU,
) -> dict[str, np.ndarray]:
    """Every metric in every resample.

    Args:
        targets: int (N, C), -1 unknown.
        scores: probabilities, float (N, C).
        calibration: thresholds and temperature.
        resamples: B resamples of the N images.
        device: to compute on.

    Returns:
        Each key of :data:`MEANS`, float64 (B, C); ``micro_AP``, over all labels of the classes that are
        defined in the set, float64 (B,).
    """
    _check_shapes(targets, scores)
    defined, columns = _defined(targets), [*zip(targets.T, scores.T, strict=True)]
    pooled = targets[:, defined], scores[:, defined]  # first: it takes as long as all classes together
    ap, auc = _evaluate([pooled, *columns], resamples, device)
    found = {"AP": ap[:, 1:], "AUROC": auc[:, 1:], "micro_AP": ap[:, 0]}
    undefined = np.isnan(found["AP"])
    for name, values in from_sums(_sums(targets, scores, calibration, resamples, device)).items():
        found[name] = np.where(undefined, np.nan, values.numpy())
    found["F1"][:, np.isnan(calibration.thresholds)] = np.nan
    return found


def _sums(
    targets: np.ndarray,
    scores: np.ndarray,
    calibration: Calibration,
    resamples: PatientResamples,
    device: torch.device,
) -> Tensor:
    """Sum the terms of every class in every resample; float64 (B, C, terms)."""
    scaled, patients = scale(scores, calibration.temperature), len(resamples.counts)
    columns = zip(targets.T, scores.T, scaled.T, calibration.thresholds, strict=True)
    terms = in_threads(lambda column: add_terms(*column, resamples.patient, patients), columns)
    flat = np.concatenate(terms, axis=1) if terms else np.empty((patients, 0))
    filled = flat.any(axis=0)  # a rare class has no score in most bins
    part = torch.from_numpy(flat[:, filled]).to(device)
    sums = torch.zeros((len(resamples), flat.shape[1]), dtype=torch.float64)
    sums[:, torch.from_numpy(filled)] = torch.cat(
        [(c.double().T @ part).cpu() for c in resamples.chunks(device)]
    )
    return sums.unflatten(1, (len(terms), TERMS))


def _evaluate(
    columns: Sequence[tuple[np.ndarray, np.ndarray]], resamples: PatientResamples, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """AP and AUROC of each pair of targets and scores in each resample, (B, R)."""
    chunks = list(resamples.chunks(device))

    def one(column: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        ranking = rank(*column, resamples.patient, device)
        if ranking is None:
            return np.full((2, len(resamples)), np.nan)
        parts = [torch.stack(weighted_ap_auroc(ranking, weights)) for weights in chunks]
        return torch.cat(parts, dim=1).cpu().numpy()

    found = in_threads(one, columns)
    return tuple(np.moveaxis(np.array(found).reshape(-1, 2, len(resamples)), 0, -1))


def _defined(targets: np.ndarray) -> np.ndarray:
    """Which classes have a known positive and a known negative."""
    positive, known = targets == POSITIVE, targets != UNKNOWN
    return positive.any(axis=0) & (known & ~positive).any(axis=0)


def mean_over_classes(values: np.ndarray) -> np.ndarray:
    """Mean over the classes (the last axis) where the metric is defined; NaN if there is none."""
    defined = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(defined, values, 0.0).sum(axis=-1) / defined.sum(axis=-1)


def mean_defined(values: np.ndarray) -> float:
    """Mean over the classes where the metric is defined; NaN if there is none."""
    return float(mean_over_classes(np.asarray(values)))


def means(found: Mapping[str, np.ndarray], classes: Sequence[str], groups: Mapping[str, str]) -> dict:
    """Means over classes of what :func:`resample` found: all classes, and head, medium and tail for AP.

    Returns:
        Each name of :data:`SUMMARY` to float64 (B,).
    """
    out = {mean: mean_over_classes(found[metric]) for metric, mean in MEANS.items()}
    for group in GROUPS:
        members = np.array([groups[name] == group for name in classes])
        out[f"mAP_{group}"] = mean_over_classes(found["AP"][:, members])
    out["micro_AP"] = found["micro_AP"]
    return {name: out[name] for name in SUMMARY}


def summarise(
    targets: np.ndarray,
    scores: np.ndarray,
    calibration: Calibration,
    classes: Sequence[str],
    groups: Mapping[str, str],
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Point estimates of one prediction table.

    Args:
        targets: int (N, C).
        scores: probabilities, float (N, C).
        calibration: thresholds and temperature.
        classes: names of the C columns.
        groups: class to head, medium or tail.

    Returns:
        Each name of :data:`SUMMARY` to its value; each metric of a class to its values, (C,).
    """
    found = resample(targets, scores, calibration, every_image_once(len(targets)))
    summary = {name: float(values[0]) for name, values in means(found, classes, groups).items()}
    return summary, {metric: found[metric][0] for metric in MEANS}


def describe_scores(
    targets: np.ndarray,
    per_class: Mapping[str, np.ndarray],
    classes: Sequence[str],
    groups: Mapping[str, str],
) -> dict[str, dict]:
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
