"""Brier score: the mean squared error of the probability."""

from cxrlt_core.metrics.metric import SumMetric
from cxrlt_core.metrics.sums import Labels, Term


def terms(labels: Labels) -> list[Term]:
    """Return the squared error of each label."""
    return [Term((labels.scores - labels.positive) ** 2)]


METRICS = (
    SumMetric(name="Brier", mean="Brier", title="Brier", place=70, higher_is_better=False, terms=terms),
)
