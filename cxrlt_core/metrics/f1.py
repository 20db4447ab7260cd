"""F1 at the threshold that was tuned, and at 0.5 as in the challenge: 2 TP / (called + positives)."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from cxrlt_core.metrics.metric import SumMetric
from cxrlt_core.metrics.sums import Labels, Term


def terms(labels: Labels, threshold: float) -> list[Term]:
    """Return which labels are called positive, and which of them rightly; NaN without a threshold."""
    called = labels.scores >= threshold if np.isfinite(threshold) else np.full(len(labels.scores), np.nan)
    return [Term(called), Term(called * labels.positive)]


def value(sums: Sequence[Tensor], known: Tensor, positive: Tensor) -> Tensor:
    """Return F1."""
    called, hits = sums
    return 2 * hits / (called + positive)


METRICS = (
    SumMetric(
        name="F1", mean="F1", title="F1", place=40, value=value,
        terms=lambda labels: terms(labels, labels.threshold),
    ),
    SumMetric(
        name="F1_half", mean="F1_half", title="F1 at 0.5", place=41, value=value,
        terms=lambda labels: terms(labels, 0.5),
    ),
)  # fmt: skip
