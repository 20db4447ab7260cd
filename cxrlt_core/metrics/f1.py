"""F1 at the threshold that was tuned, and at 0.5 as in the challenge: 2 TP / (called + positives)."""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from cxrlt_core.metrics.metric import SumMetric
from cxrlt_core.metrics.sums import Labels, Term


def terms(labels: Labels, threshold: float) -> list[Term]:
    """Return which labels are called positive, and which of them rightly."""
    called = labels.scores >= threshold
    return [Term(called), Term(called & labels.positive)]


def value(sums: Sequence[Tensor], known: Tensor, positive: Tensor) -> Tensor:
    """Return F1."""
    called, hits = sums
    return 2 * hits / (called + positive)


TUNED = SumMetric(
    name="F1", mean="F1", title="F1", place=40, value=value, tuned=True,
    terms=lambda labels: terms(labels, labels.threshold),
)  # fmt: skip
AT_HALF = replace(
    TUNED, name="F1_half", mean="F1_half", title="F1 at 0.5", place=41, tuned=False,
    terms=lambda labels: terms(labels, 0.5),
)  # fmt: skip
METRICS = (TUNED, AT_HALF)
