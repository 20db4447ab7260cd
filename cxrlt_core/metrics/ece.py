"""Expected calibration error, of probabilities as predicted and after temperature scaling.

Σ over bins of |Σ (score - target)| / known: the gap between mean score and share of positives, weighted by
the bin (Guo et al. 2017, for one class against the rest).
"""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from cxrlt_core.metrics.metric import SumMetric
from cxrlt_core.metrics.sums import Term, bin_of


def terms(positive: np.ndarray, scores: np.ndarray) -> list[Term]:
    """Return how far each score lies above its target, in the bin of the score."""
    return [Term(scores - positive, bin_of(scores))]


def value(sums: Sequence[Tensor], known: Tensor, positive: Tensor) -> Tensor:
    """Return the sum over the bins."""
    return sums[0].abs().sum(-1) / known


METRICS = (
    SumMetric(
        name="ECE", mean="ECE", title="ECE", place=60, higher_is_better=False, value=value,
        terms=lambda labels: terms(labels.positive, labels.scores),
    ),
    SumMetric(
        name="ECE_scaled", mean="ECE_scaled", title="ECE, scaled", place=61, higher_is_better=False,
        value=value, terms=lambda labels: terms(labels.positive, labels.scaled),
    ),
)  # fmt: skip
