"""A row of a table: its metrics, each with its bootstrap samples, and paired differences of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cxrlt_core.bootstrap import bootstrap_metrics, interval, mean_over_classes
from cxrlt_core.metrics import class_sets, or_none, summarise


@dataclass(frozen=True)
class Score:
    """Metrics of one prediction table.

    Attributes:
        summary: from :func:`cxrlt_core.metrics.summarise`.
        samples: name of each mean (mAP, mAP_head, …, mAUROC) to its B bootstrap samples, (B,).
    """

    summary: dict
    samples: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> float:
        """Return the point estimate of a mean; NaN where undefined."""
        value = self.summary[name]
        return float("nan") if value is None else value

    def interval(self, name: str, level: float) -> tuple[float, float]:
        """Bootstrap interval of a mean."""
        return interval(self.samples[name], self[name], level)

    def standard_error(self, name: str) -> float:
        """Bootstrap standard error of a mean; NaN with fewer than two different samples."""
        samples = self.samples[name][np.isfinite(self.samples[name])]
        return float(samples.std(ddof=1)) if len(samples) > 1 and np.ptp(samples) else float("nan")


MEANS = ("mAP", "mAP_head", "mAP_medium", "mAP_tail", "mAUROC")


def score(
    targets: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    groups: Mapping[str, str],
    draws: np.ndarray,
) -> Score:
    """Score one prediction table.

    Args:
        targets: int (N, C), -1 unknown.
        probabilities: float (N, C).
        classes: names of the C columns.
        groups: class to head, medium or tail.
        draws: resampled patients, the same for every row that is compared, (N, B).
    """
    ap, auc = bootstrap_metrics(targets, probabilities, draws)
    samples = {name: mean_over_classes(ap[:, mask]) for name, mask in class_sets(classes, groups).items()}
    samples["mAUROC"] = mean_over_classes(auc)
    return Score(summarise(targets, probabilities, classes, groups), samples)


def difference(row: Score, reference: Score, level: float, name: str = "mAP") -> tuple[float, float, float]:
    """Paired difference of two rows scored on the same draws: point, low, high.

    Where no sample differs (a row against itself) the interval is the point; where the samples tell
    nothing (one patient, no class defined) it is NaN.
    """
    point = row[name] - reference[name]
    samples = row.samples[name] - reference.samples[name]
    defined = samples[np.isfinite(samples)]
    if len(defined) and not defined.any():
        return point, point, point
    return point, *interval(samples, point, level)


def table_metrics(row: Score, level: float) -> dict[str, float | None]:
    """Return the numbers of a row as tables store them: four decimals, None where undefined."""
    low, high = row.interval("mAP", level)
    numbers = {"mAP": row["mAP"], "mAP_low": low, "mAP_high": high}
    numbers |= {name: row[name] for name in MEANS[1:]}
    return {name: rounded(value) for name, value in numbers.items()}


def rounded(value: float) -> float | None:
    """Round to four decimals; None where undefined."""
    return or_none(round(value, 4))
