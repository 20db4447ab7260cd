import dataclasses

import numpy as np
import pytest
import torch

from cxrlt_core.designs.deferred import Settings, class_weights
from cxrlt_core.designs.hooks import Context

POSITIVES = [300, 30, 1]
BETA = 0.99
TARGETS = (np.arange(400)[:, None] < np.array(POSITIVES)).astype(np.int8)
EIGHT_EPOCHS = Context(TARGETS, "abc", steps=78, steps_per_epoch=10, device=torch.device("cpu"))


def effective() -> list[float]:
    weights = [(1 - BETA) / (1 - BETA**n) for n in POSITIVES]
    return [weight * 3 / sum(weights) for weight in weights]


@pytest.mark.parametrize(("start", "first"), [(0.0, 0), (0.5, 4), (0.8, 6), (0.99, 7)])
def test_weights_are_even_until_the_start_and_by_effective_number_from_then_on(start, first):
    weigh = class_weights(Settings(start=start, beta=BETA), EIGHT_EPOCHS)
    given = torch.tensor([1.0, 2.0, 3.0])
    for epoch in range(8):
        expected = [w * e for w, e in zip([1.0, 2.0, 3.0], effective(), strict=True)]
        found = weigh(given, epoch)
        assert found.tolist() == (pytest.approx(expected) if epoch >= first else given.tolist())


def test_a_training_of_one_epoch_is_reweighted_and_unknown_labels_do_not_count():
    once = dataclasses.replace(EIGHT_EPOCHS, steps=10)
    assert class_weights(Settings(start=0.8, beta=BETA), once)(torch.ones(3), 0).tolist() != [1, 1, 1]
    targets = TARGETS.copy()
    targets[150:300, 0] = -1
    partly = dataclasses.replace(once, targets=targets)
    half = class_weights(Settings(start=0, beta=BETA), partly)(torch.ones(3), 0)
    assert half[0] / half[1] == pytest.approx((1 - BETA**30) / (1 - BETA**150))
