import math

import numpy as np
import pytest
from naive import assert_equals_naive, training_set
from settings import loss as settings_of

from cxrlt_core.losses import build_loss
from cxrlt_core.losses.class_balanced import balance
from cxrlt_core.losses.effective_margin import margins

POSITIVES = [500, 90, 7, 1]


def cost(p: float, label: int, weight: float, margin: float) -> float:
    z = math.log(p / (1 - p)) - margin * label
    return weight * (math.log(1 + math.exp(-z)) if label == 1 else math.log(1 + math.exp(z)))


@pytest.mark.parametrize(("beta", "power", "margin"), [(0.9999, 0.5, 0.2), (0.99, 1.0, 0.0), (0.9, 0.0, 1.0)])
def test_equals_a_double_loop(batch, beta, power, margin):
    settings = settings_of("effective_margin", beta=beta, power=power, margin=margin)
    effective = [(1 - beta) / (1 - beta**n) for n in POSITIVES]
    w = [one / (sum(effective) / 4) for one in effective]
    inverse = [1 / one for one in w]
    span = max(inverse) - min(inverse)
    expected = [
        {"weight": w[c] ** power, "margin": margin * (inverse[c] - min(inverse)) / span} for c in range(4)
    ]
    loss = build_loss(settings, training_set(POSITIVES))
    assert_equals_naive(loss, cost, batch, at=lambda i, c: expected[c])


def test_the_frequent_class_has_the_margin_and_one_without_labels_neither_margin_nor_weight():
    targets = training_set([500, 90, 1, 5])
    targets[:, 3] = -1
    found = margins(balance(targets, 0.999), 0.2)
    assert found[0] == pytest.approx(0.2) and 0 < found[1] < 0.2 and (found[2:] == 0).all()
    for none in (training_set([9, 9]), np.full((5, 2), -1, np.int8)):
        assert (margins(balance(none, 0.999), 0.2) == 0).all()
