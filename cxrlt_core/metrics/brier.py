"""Brier score: the mean squared error of the probability."""

from collections.abc import Sequence

from torch import Tensor

from cxrlt_core.metrics.metric import SumMetric
from cxrlt_core.metrics.sums import Labels, Term


def terms(labels: Labels) -> list[Term]:
    """Return the squared error of each label."""
    return [Term((labels.scores - labels.positive) ** 2)]


def value(sums: Sequence[Tensor], known: Tensor, positive: Tensor) -> Tensor:
    """Return the mean over the labels."""
    return sums[0] / known


METRICS = (
    SumMetric(
        name="Brier", mean="Brier", title="Brier", place=70, higher_is_better=False, terms=terms, value=value
    ),
)
