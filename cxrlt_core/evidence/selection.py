"""Selection: how an ensemble would do that was chosen on other development patients.

The choice is repeated on resamples of the development patients, and each one is scored on the test set and on
resamples of its patients: development × test, crossed. docs/evidence.md says why, and how far to trust it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cxrlt_core.designs.reweight import Reweighting, reweight
from cxrlt_core.labels import POSITIVE, UNKNOWN
from cxrlt_core.metrics.bootstrap import PatientResamples
from cxrlt_core.metrics.metric import RankMetric, metrics_of
from cxrlt_core.metrics.ranking import highest_f1, rank, rank_values
from cxrlt_core.system.threads import in_threads

CHOICES = 100  # resamples of the development patients that are chosen on
CROSSED = 25  # resamples of the test patients that every choice is scored on


@dataclass(frozen=True)
class Models:
    """What M models say of a set.

    Attributes:
        targets: int (N, C), -1 unknown.
        predictions: probabilities, float (M, N, C).
        resamples: resampled patients.
    """

    targets: np.ndarray
    predictions: np.ndarray
    resamples: PatientResamples

    def column(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return targets (N,) and predictions (M, N) of a class."""
        return self.targets[:, number], np.ascontiguousarray(self.predictions[:, :, number])

    def weights(self, device: torch.device) -> Tensor:
        """Return how often each resample holds each patient, float32 (P, B)."""
        return torch.from_numpy(self.resamples.counts).to(device).float()


@dataclass(frozen=True)
class Repeated:
    """An ensemble that was chosen on each of R development resamples; NaN where undefined.

    Attributes:
        dev: average precision on the resample that chose, float64 (R, C).
        test: each rank metric and F1 to their values on the test set, then on K resamples of it, float64
            (R, 1 + K, C). F1 is at the threshold that the development resample chose.
    """

    dev: np.ndarray
    test: dict[str, np.ndarray]


def repeat_choice(dev: Models, test: Models, weights: np.ndarray, device: torch.device) -> Repeated:
    """Score an ensemble with each of its choices.

    Args:
        dev: with the R resamples that chose.
        test: with K resamples.
        weights: of the models per choice and class, float (M, R, C).
        device: to compute on.
    """
    drawn, crossed = dev.weights(device), test.weights(device)
    crossed = torch.cat([torch.ones_like(crossed[:, :1]), crossed], dim=1)
    _, choices, classes = weights.shape
    ranked = metrics_of(RankMetric)

    def one_class(c: int) -> tuple[np.ndarray, np.ndarray]:
        on_dev, on_test = (
            np.full(choices, np.nan),
            np.full((len(ranked) + 1, choices, crossed.shape[1]), np.nan),
        )
        dev_targets, dev_models = dev.column(c)
        test_targets, test_models = test.column(c)
        distinct, which = np.unique(weights[:, :, c], axis=1, return_inverse=True)
        for number, (by_dev, by_test) in enumerate(
            zip(_combined(distinct, dev_models), _combined(distinct, test_models), strict=True)
        ):
            alike = np.flatnonzero(which.ravel() == number)
            on_dev[alike], limits = _on_dev(dev_targets, by_dev, dev.resamples.patient, drawn[:, alike])
            on_test[:, alike] = _on_test(test_targets, by_test, test.resamples.patient, limits, crossed)
        return on_dev, on_test

    on_dev, on_test = zip(*in_threads(one_class, range(classes)), strict=True)
    names = [*(metric.name for metric in ranked), "F1"]
    return Repeated(np.stack(on_dev, axis=-1), dict(zip(names, np.stack(on_test, axis=-1), strict=True)))


def _combined(weights: np.ndarray, models: np.ndarray) -> np.ndarray:
    """Average models (M, N) by each of b weightings (M, b); float32 (b, N)."""
    return (torch.from_numpy(weights).float().T @ torch.from_numpy(models).float()).numpy()


def _on_dev(
    targets: np.ndarray, scores: np.ndarray, patient: np.ndarray, weights: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """AP and best threshold under each of b weightings of the patients, (b,); NaN where undefined."""
    ranking = rank(targets, scores, patient, weights.device)
    if ranking is None:
        undefined = np.full(weights.shape[1], np.nan)
        return undefined, undefined
    ap = rank_values(ranking, weights, metrics_of(RankMetric)[:1])[0].cpu().numpy()
    return ap, np.where(np.isfinite(ap), highest_f1(ranking, weights), np.nan)


def _on_test(
    targets: np.ndarray, scores: np.ndarray, patient: np.ndarray, limits: np.ndarray, weights: Tensor
) -> np.ndarray:
    """R rank metrics, and F1 at each of b thresholds, under each of K weightings; float64 (R + 1, b, K)."""
    ranked = metrics_of(RankMetric)
    out = np.full((len(ranked) + 1, len(limits), weights.shape[1]), np.nan)
    ranking = rank(targets, scores, patient, weights.device)
    if ranking is not None:
        out[:-1] = rank_values(ranking, weights, ranked).cpu().numpy()[:, None]
        out[-1] = np.where(np.isfinite(out[0]), _f1(targets, scores, patient, limits, weights), np.nan)
    return out


def _f1(
    targets: np.ndarray, scores: np.ndarray, patient: np.ndarray, limits: np.ndarray, weights: Tensor
) -> np.ndarray:
    """F1 at each of b thresholds under each of K weightings; NaN where a threshold is."""

    def weight(images: Sequence[np.ndarray]) -> np.ndarray:
        counts = np.stack([np.bincount(patient[which], minlength=len(weights)) for which in images])
        return (torch.from_numpy(counts).to(weights) @ weights).cpu().double().numpy()

    known, positive = targets != UNKNOWN, targets == POSITIVE
    called = [known & (scores >= limit) for limit in limits]
    hits = weight([positive & above for above in called])
    with np.errstate(invalid="ignore"):
        f1 = 2 * hits / (weight(called) + weight([positive]))
    return np.where(np.isfinite(limits)[:, None], f1, np.nan)


def selection_variance(crossed: np.ndarray) -> float:
    """Variance that the choice on other development patients adds, to all seeds alike.

    On one test set choices differ by what they are worth and by what its patients make of them (choice ×
    patient). The second is in the variance over test patients already, so it is taken off: the mean square
    of what neither choice nor test resample explains. What a choice does to one seed alone is in the variance
    over seeds; so of several seeds the covariance counts.

    Args:
        crossed: of each seed, the deviation of every choice from their mean, on the test set and on K
            resamples; float64 (S, R, 1 + K).
    """
    seeds, choices, columns = crossed.shape
    if min(choices, columns - 1) < 2:
        return 0.0
    shared = _worth(crossed.mean(axis=0))
    if seeds > 1:
        of_each = np.mean([_worth(seed) for seed in crossed])
        shared = (seeds * shared - of_each) / (seeds - 1)
    return max(0.0, float(shared))


def _worth(deviations: np.ndarray) -> float:
    """Variance of what choices are worth; float64 (R, 1 + K)."""
    on_set, resampled = deviations[:, 0], deviations[:, 1:]
    rest = resampled - resampled.mean(axis=0) - resampled.mean(axis=1, keepdims=True) + resampled.mean()
    dof = (rest.shape[0] - 1) * (rest.shape[1] - 1)
    return float(on_set.var(ddof=1) - (rest**2).sum() / dof)


def upweighted_share(
    resampled_ap: np.ndarray, classes: Sequence[str], settings: Reweighting
) -> dict[str, float]:
    """How often each class would be upweighted on other development patients.

    Args:
        resampled_ap: average precision on resamples of the patients, float (B, C), NaN where undefined.
        classes: names of the C columns.
        settings: as of :func:`cxrlt_core.designs.reweight.reweight`.
    """
    counts = dict.fromkeys(classes, 0)
    for values in resampled_ap:
        known = {c: float(ap) if np.isfinite(ap) else None for c, ap in zip(classes, values, strict=True)}
        for name, weight in reweight(known, settings)["weights"].items():
            counts[name] += weight != 1
    return {name: count / len(resampled_ap) for name, count in counts.items()}
