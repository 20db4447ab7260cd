"""The rows of a table, and what can be said of them and of their differences."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cxrlt_core.evidence.estimator import Estimate, Interval, estimate
from cxrlt_core.evidence.scoring import FEWEST_PATIENTS, Score, ap_of, auroc_of
from cxrlt_core.evidence.seed_variance import SeedVarianceModel
from cxrlt_core.metrics.metric import means
from cxrlt_core.system.rounding import rounded


@dataclass(frozen=True)
class RowNumbers:
    """What a table tells of a row: four decimals, None where undefined."""

    # mAP, mAP_low, mAP_high, mAP_corrected (less small-sample bias), each further mean, and mAP_seed_sd
    metrics: dict[str, float | None]
    std_errors: dict[str, float | None]  # standard error of each mean
    seeds: Sequence[float | None]  # mAP of each training seed
    difference: Interval  # of mAP to the first row


@dataclass(frozen=True)
class ScoredTable:
    """Rows that were scored on the same resamples."""

    scores: Mapping[str, Score]  # row to its score
    seed_variance: SeedVarianceModel  # of the trainings behind the rows
    level: float  # coverage of the intervals
    # row to its mAP in the paper, None or absent where it has none
    published: Mapping[str, float | None] = field(default_factory=dict)

    def contrast(self, weights: Mapping[str, float], mean: str) -> Estimate:
        """Estimate a weighted sum of rows, row to its weight, in the mean of that name."""
        first, *others = (weight * self.scores[row][mean] for row, weight in weights.items())
        total = sum(others, first)
        found = estimate(total, self.seed_variance.of(weights, mean, total.points))
        return replace(found, std_error=0.0) if self._identical(weights) else found

    def _identical(self, weights: Mapping[str, float]) -> bool:
        """Whether rows cancel out, prediction by prediction."""
        sums: dict[Sequence[str], float] = {}
        for row, weight in weights.items():
            predictions = self.scores[row].predictions or (row,)
            sums[predictions] = sums.get(predictions, 0.0) + weight
        return not any(abs(total) > 1e-9 for total in sums.values())

    def published_sum(self, weights: Mapping[str, float]) -> float | None:
        """Return the same weighted sum of the published figures; None where one of them is missing."""
        terms = [(weight, self.published.get(row)) for row, weight in weights.items()]
        known = [weight * figure for weight, figure in terms if figure is not None]
        return rounded(sum(known)) if len(known) == len(terms) else None

    def row_numbers(self, row: str, first: str) -> RowNumbers:
        """Return what a table tells of a row, which it compares with the first one."""
        estimates = {mean.name: self.contrast({row: 1.0}, mean.name) for mean in means()}
        mean_ap = self.scores[row]["mAP"]
        low, high = estimates["mAP"].interval(self.level)
        metrics = {"mAP": mean_ap.point, "mAP_low": low, "mAP_high": high, "mAP_corrected": mean_ap.corrected}
        metrics |= {name: estimate.point for name, estimate in estimates.items()}
        metrics["mAP_seed_sd"] = mean_ap.seed_deviation
        weights = {row: 0.0} if row == first else {row: 1.0, first: -1.0}
        return RowNumbers(
            metrics={name: rounded(value) for name, value in metrics.items()},
            std_errors={name: rounded(estimate.std_error) for name, estimate in estimates.items()},
            seeds=[rounded(point) for point in mean_ap.points],
            difference=self.contrast(weights, "mAP").rounded(self.level),
        )

    def class_numbers(self, weights: Mapping[str, float]) -> dict[str, Interval]:
        """Estimate the average precision of each class of a weighted sum of rows, each for itself."""
        classes = self.scores[next(iter(weights))].classes
        return {name: self.contrast(weights, ap_of(name)).rounded(self.level) for name in classes}

    def class_scores(self, row: str) -> dict[str, dict[str, Any]]:
        """Return the metrics of a row's classes, AP and AUROC with their bounds, ``AP_low`` and so on."""
        scores = {name: dict(entry) for name, entry in self.scores[row].classes.items()}
        for name, entry in scores.items():
            for metric, mean in {"AP": ap_of(name), "AUROC": auroc_of(name)}.items():
                interval = class_interval(self.contrast({row: 1.0}, mean), entry["patients"], self.level)
                entry[f"{metric}_low"], entry[f"{metric}_high"] = map(rounded, interval)
        return scores


def class_interval(estimate: Estimate, patients: int, level: float) -> tuple[float, float]:
    """Interval of AP or AUROC of one class from its positive patients, on the logit scale.

    NaN where it is known to be wrong: of few patients, and near 1, where less than one of them would have to
    fail.
    """
    if patients < FEWEST_PATIENTS or patients * (1 - estimate.point) < 1:
        return math.nan, math.nan
    return estimate.logit_interval(level)
