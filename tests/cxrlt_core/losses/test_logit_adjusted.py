import math

import numpy as np
import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS, assert_equals_naive, training_set
from settings import loss as settings_of

from cxrlt_core.losses import build_loss
from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.logit_adjusted import log_odds

POSITIVES = [500, 90, 7, 0]


def partly(positives: list[int]) -> np.ndarray:
    """Labels of which those of the first class are unknown beyond the 700th image."""
    targets = training_set(positives)
    targets[700:, 0] = -1
    return targets


def cost(p: float, label: int, odds: float, tau: float) -> float:
    """The softmax of both labels, each with τ log of its share added."""
    z = math.log(p / (1 - p))
    share = odds / (1 + odds)
    scores = {1: z + tau * math.log(share), 0: tau * math.log(1 - share)}
    return math.log(sum(map(math.exp, scores.values()))) - scores[label]


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_equals_a_double_loop(batch, tau):
    loss = build_loss(settings_of("logit_adjusted", tau=tau), partly(POSITIVES))
    odds = [(n + 0.5) / ((700 if c == 0 else 1000) - n + 0.5) for c, n in enumerate(POSITIVES)]
    assert_equals_naive(loss, cost, batch, at=lambda i, c: {"odds": odds[c], "tau": tau})


def test_a_balanced_set_shifts_nothing_and_unknown_labels_count_nowhere(batch):
    even = build_loss(settings_of("logit_adjusted"), training_set([500] * 4))
    weights = (CLASS_WEIGHTS, IMAGE_WEIGHTS)
    torch.testing.assert_close(even(*batch, *weights), bce(*batch, *weights))
    np.testing.assert_array_equal(log_odds(partly(POSITIVES))[0], log_odds(training_set([500], 700))[0])
