import math
from functools import partial

import pytest
import torch
from naive import CLASS_WEIGHTS, assert_equals_naive
from settings import loss as settings_of

from cxrlt_core.losses.asl import asl
from cxrlt_core.losses.robust_asl import robust_asl

PUBLISHED = {"gamma_pos": 0.0, "gamma_neg": 4.0, "clip": 0.05, "linear": 1.0, "square": 2.5, "hill": 1.5}


def cost(p: float, label: int, **settings: float) -> float:
    """The terms as the authors' code names them: xs_pos, xs_neg, epsilon_pos, epsilon_pos_pow, lamb."""
    e1, e2, lamb = settings["linear"], -settings["square"], settings["hill"]
    if label == 1:
        taylor = math.log(p) + e1 * (1 - p) + e2 * 0.5 * (1 - p) ** 2
        return -((1 - p) ** settings["gamma_pos"]) * taylor
    xs_neg = min(1 - p + settings["clip"], 1)
    hill = (lamb - p) * p**2 * (lamb - xs_neg)
    return -((1 - xs_neg) ** settings["gamma_neg"]) * math.log(xs_neg) * hill


@pytest.mark.parametrize(
    "changes",
    [{}, {"gamma_pos": 1.0, "gamma_neg": 0.5}, {"clip": 0.0, "linear": 0.5, "square": 0.0, "hill": 2.0}],
)
def test_equals_a_double_loop(batch, changes):
    settings = {**PUBLISHED, **changes}
    loss = partial(robust_asl, settings_of("robust_asl", **settings))
    assert_equals_naive(loss, partial(cost, **settings), batch)


def test_positive_labels_without_the_polynomial_are_those_of_asl(batch):
    logits, targets = batch
    positive = torch.where(targets == 1, targets, -1)
    plain = settings_of("robust_asl", **{**PUBLISHED, "gamma_pos": 1.0, "linear": 0.0, "square": 0.0})
    expected = asl(settings_of("asl", gamma_pos=1.0), logits, positive, CLASS_WEIGHTS)
    torch.testing.assert_close(robust_asl(plain, logits, positive, CLASS_WEIGHTS), expected)
