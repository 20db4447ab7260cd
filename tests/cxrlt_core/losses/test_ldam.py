import math

import numpy as np
import pytest
from naive import assert_equals_naive, training_set
from settings import loss as settings_of

from cxrlt_core.losses import build_loss
from cxrlt_core.losses.ldam import margins

POSITIVES = [500, 90, 16, 0]


def cost(p: float, label: int, positive: int, negative: int, c: float) -> float:
    """Cross-entropy of two classes with logits z and 0, that of the true one less its margin C / n^¼."""
    scores = {1: math.log(p / (1 - p)), 0: 0.0}
    scores[label] -= c / (positive if label == 1 else negative) ** 0.25
    return math.log(sum(map(math.exp, scores.values()))) - scores[label]


@pytest.mark.parametrize("margin", [0.5, 2.0])
def test_equals_a_double_loop(batch, margin):
    loss = build_loss(settings_of("ldam", margin=margin), training_set(POSITIVES))
    counts = [{"positive": max(n, 1), "negative": 1000 - n} for n in POSITIVES]
    assert_equals_naive(loss, cost, batch, at=lambda i, c: {**counts[c], "c": margin})  # n = 1 is the rarest


def test_the_rarest_label_has_the_largest_margin_and_unknown_ones_do_not_count():
    targets = training_set([16, 625], 1000)
    positive, negative = margins(targets, 0.6)
    np.testing.assert_allclose(positive, [0.6, 0.6 * 2 / 5], rtol=1e-6)
    assert (negative < positive[0]).all()
    targets[700:, 1] = -1
    assert margins(targets, 0.6)[1][1] == pytest.approx(0.6 * 2 / 75**0.25)
