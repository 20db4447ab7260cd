"""Negative log-likelihood, the mean log loss, of probabilities as predicted and after temperature scaling."""

from dataclasses import replace

from cxrlt_core.metrics.calibration import log_loss
from cxrlt_core.metrics.metric import SumMetric
from cxrlt_core.metrics.sums import Term

NLL = SumMetric(
    name="NLL", mean="NLL", title="NLL", place=50, higher_is_better=False,
    terms=lambda labels: [Term(log_loss(labels.positive, labels.scores))],
)  # fmt: skip
SCALED = replace(
    NLL, name="NLL_scaled", mean="NLL_scaled", title="NLL, scaled", place=51,
    terms=lambda labels: [Term(log_loss(labels.positive, labels.scaled))],
)  # fmt: skip
METRICS = (NLL, SCALED)
