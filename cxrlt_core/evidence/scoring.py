"""A row of a table: every metric, with each training seed, on the patients and on their resamples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cxrlt_core.evidence.uncertainty import Sampled, draw_seeds
from cxrlt_core.metrics.bootstrap import Draws
from cxrlt_core.metrics.scores import CPU, describe_scores, means, resample, summarise
from cxrlt_core.system.rounding import rounded


@dataclass(frozen=True)
class Score:
    """Metrics of one row.

    Attributes:
        means: name of each mean (mAP, mAP_head, …) to its samples.
        classes: class to its metrics, averaged over the seeds, and counts.
    """

    means: dict[str, Sampled]
    classes: dict[str, dict]

    def __getitem__(self, name: str) -> Sampled:
        """Return a mean."""
        return self.means[name]


def score(
    targets: np.ndarray,
    probabilities: Sequence[np.ndarray],
    thresholds: Sequence[np.ndarray],
    classes: Sequence[str],
    groups: Mapping[str, str],
    draws: Draws,
    seed: int,
    device: torch.device = CPU,
) -> Score:
    """Score one row.

    Args:
        targets: int (N, C), -1 unknown.
        probabilities: of each training seed, float (N, C).
        thresholds: of each training seed, (C,), for F1.
        classes: names of the C columns.
        groups: class to head, medium or tail.
        draws: resampled patients, the same for every row that is compared.
        seed: of the draws of training seeds.
        device: to compute on.
    """
    points, samples, per_class = [], [], []
    for its, limits in zip(probabilities, thresholds, strict=True):
        summary, values = summarise(targets, its, limits, classes, groups)
        points.append(summary)
        per_class.append(values)
        samples.append(means(resample(targets, its, limits, draws, device), classes, groups))
    chosen = draw_seeds(len(points), draws.resamples, seed)
    averaged = {metric: np.mean([v[metric] for v in per_class], axis=0) for metric in per_class[0]}
    sampled = {
        name: Sampled(np.array([p[name] for p in points]), np.stack([s[name] for s in samples]), chosen)
        for name in points[0]
    }
    return Score(sampled, describe_scores(targets, averaged, classes, groups))


def table_metrics(row: Score, level: float) -> dict[str, float | None]:
    """Return the numbers of a row as tables store them: four decimals, None where undefined."""
    low, high = row["mAP"].interval(level)
    numbers = {"mAP": row["mAP"].point, "mAP_low": low, "mAP_high": high}
    numbers |= {name: sampled.point for name, sampled in row.means.items()}
    numbers["mAP_seed_sd"] = row["mAP"].seed_deviation
    return {name: rounded(value) for name, value in numbers.items()}


def difference(row: Score, reference: Score, level: float) -> list[float | None]:
    """Paired difference of the mAP of two rows scored on the same draws: point, low, high."""
    gap = row["mAP"] - reference["mAP"]
    return [rounded(value) for value in (gap.point, *gap.interval(level))]


def row_numbers(row: Score, first: Score, level: float) -> dict:
    """Return what a table tells of a row: metrics, standard errors, seeds, difference to the first row."""
    return {
        "metrics": table_metrics(row, level),
        "errors": {name: rounded(one.standard_error) for name, one in row.means.items()},
        "seeds": [rounded(point) for point in row["mAP"].points],
        "difference": difference(row, first, level),
    }
