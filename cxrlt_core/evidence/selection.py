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
    """What M models say of a set."""

    targets: np.ndarray  # int (N, C), -1 unknown
    predictions: np.ndarray  # probabilities, float (M, N, C)
    resamples: PatientResamples  # resampled patients

    def combine(self, c: int, weights: np.ndarray) -> np.ndarray:
        """Average the predictions of a class by each of b weightings of the models (M, b); float32 (b, N)."""
        models = torch.from_numpy(np.ascontiguousarray(self.predictions[:, :, c]))
        return (torch.from_numpy(weights).float().T @ models.float()).numpy()

    def weights(self, device: torch.device) -> Tensor:
        """Return how often each resample holds each patient, float32 (P, B)."""
        return torch.from_numpy(self.resamples.counts).to(device).float()


@dataclass(frozen=True)
class Repeated:
    """An ensemble that was chosen on each of R development resamples; NaN where undefined."""

    dev: np.ndarray  # average precision on the resample that chose, float64 (R, C)
    # each rank metric, and F1 at the threshold that the development resample chose, on the test set, then on
    # K resamples of it, float64 (R, 1 + K, C)
    test: dict[str, np.ndarray]


def repeat_choice(dev: Models, test: Models, weights: np.ndarray, device: torch.device) -> Repeated:
    """Score an ensemble with each of its choices.

    ``dev`` has the R resamples that chose, ``test`` K; weights of the models per choice and class, float (M,
    R, C).
    """
    drawn, crossed = dev.weights(device), test.weights(device)
    crossed = torch.cat([torch.ones_like(crossed[:, :1]), crossed], dim=1)
    _, choices, classes = weights.shape
    names = [*(metric.name for metric in metrics_of(RankMetric)), "F1"]

    def one_class(c: int) -> tuple[np.ndarray, np.ndarray]:
        on_dev, on_test = np.full(choices, np.nan), np.full((len(names), choices, crossed.shape[1]), np.nan)
        distinct, which = np.unique(weights[:, :, c], axis=1, return_inverse=True)
        dev_scores, test_scores = dev.combine(c, distinct), test.combine(c, distinct)
        for number in range(distinct.shape[1]):
            alike, patient = np.flatnonzero(which.ravel() == number), dev.resamples.patient
            on_dev[alike], limits = _on_dev(dev.targets[:, c], dev_scores[number], patient, drawn[:, alike])
            column, patient = (test.targets[:, c], test_scores[number]), test.resamples.patient
            on_test[:, alike] = _on_test(*column, patient, limits, crossed)
        return on_dev, on_test

    on_dev, on_test = zip(*in_threads(one_class, range(classes)), strict=True)
    return Repeated(np.stack(on_dev, axis=-1), dict(zip(names, np.stack(on_test, axis=-1), strict=True)))


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
    both = weight([positive & images for images in called])
    with np.errstate(invalid="ignore"):
        f1 = 2 * both / (weight(called) + weight([positive]))
    return np.where(np.isfinite(limits)[:, None], f1, np.nan)


def selection_variance(crossed: np.ndarray) -> float:
    """Variance that the choice on other development patients adds, to all seeds alike.

    On one test set choices differ by what they are worth and by what its patients make of them (choice ×
    patient). The second is in the variance over test patients already, so it is taken off: the mean square of
    what neither choice nor test resample explains. What a choice does to one seed alone is in the variance
    over seeds; so of several seeds the covariance counts.

    ``crossed``, float64 (S, R, 1 + K), is of each seed the deviation of every choice from their mean, on the
    test set and on K resamples.
    """
    seeds, choices, columns = crossed.shape
    if min(choices, columns - 1) < 2:
        return 0.0
    together = _worth(crossed.mean(axis=0))
    if seeds > 1:
        alone = np.mean([_worth(deviations) for deviations in crossed])
        together = (seeds * together - alone) / (seeds - 1)
    return max(0.0, float(together))


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

    ``resampled_ap`` is average precision on resamples of the patients, float (B, C), NaN where undefined.
    """
    counts = dict.fromkeys(classes, 0)
    for values in resampled_ap:
        known = {c: float(ap) if np.isfinite(ap) else None for c, ap in zip(classes, values, strict=True)}
        for name, weight in reweight(known, settings)["weights"].items():
            counts[name] += weight != 1
    return {name: count / len(resampled_ap) for name, count in counts.items()}
