"""Area under the ROC curve: the Mann-Whitney statistic, half a point for a tie."""

from torch import Tensor

from cxrlt_core.metrics.metric import TABLE, RankMetric
from cxrlt_core.metrics.ranking import Block


def term(block: Block) -> Tensor:
    """Return the pairs that each positive loses: to the negatives above it, and half to those tied."""
    return block.above().double().mul_(block.weight)


def value(total: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Return the share of pairs of a positive and a negative that are not lost."""
    return 1 - total / (positives * negatives)


METRICS = (
    RankMetric(name="AUROC", mean="mAUROC", title="mAUROC", place=20, shown=TABLE, term=term, value=value),
)
