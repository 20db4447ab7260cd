"""Average precision, step-wise and tie-aware as scikit-learn's ``average_precision_score``.

With T_g the weight of the positives in tie group g and K_g that of all images down to its end:
AP = Σ T_g (Σ_{h≤g} T_h / K_g) / Σ T_g.
"""

from torch import Tensor

from cxrlt_core.metrics.metric import TABLE, RankMetric
from cxrlt_core.metrics.ranking import Block


def term(block: Block) -> Tensor:
    """Return the precision at the end of each group, once for each of its positives."""
    return (block.hits.double() / block.called.double().clamp(min=1)).mul_(block.weight)


def value(total: Tensor, positives: Tensor, negatives: Tensor) -> Tensor:
    """Return the mean over the positives."""
    return total / positives


METRICS = (
    RankMetric(
        name="AP", mean="mAP", title="mAP", place=10, shown=TABLE, by_group=True, term=term, value=value
    ),
    RankMetric(
        name="micro_AP", mean="micro_AP", title="micro AP", place=30, pooled=True, term=term, value=value
    ),
)
