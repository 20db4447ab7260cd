"""Expected calibration error, of probabilities as predicted and after temperature scaling.

Σ over bins of |Σ (score - target)| / known: the gap between mean score and share of positives, weighted by
the bin (Guo et al. 2017, for one class against the rest).
"""

from dataclasses import replace

from cxrlt_core.metrics.metric import SumMetric
from cxrlt_core.metrics.sums import Term, bin_of

ECE = SumMetric(
    name="ECE", mean="ECE", title="ECE", place=60, higher_is_better=False,
    terms=lambda labels: [Term(labels.scores - labels.positive, bin_of(labels.scores))],
)  # fmt: skip
SCALED = replace(
    ECE, name="ECE_scaled", mean="ECE_scaled", title="ECE, scaled", place=61,
    terms=lambda labels: [Term(labels.scaled - labels.positive, bin_of(labels.scaled))],
)  # fmt: skip
METRICS = (ECE, SCALED)
