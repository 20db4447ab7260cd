import math
from functools import partial

import pytest
import torch
from naive import assert_equals_naive
from settings import loss as settings_of

from cxrlt_core.losses.hill import hill


def cost(p: float, label: int, hill: float, gamma: float, margin: float) -> float:
    """As the paper and the authors' code write it."""
    if label == 0:
        return (hill - p) * p**2
    p_m = 1 / (1 + math.exp(margin) * (1 - p) / p)
    return -((1 - p_m) ** gamma) * math.log(p_m)


@pytest.mark.parametrize(("lam", "gamma", "margin"), [(1.5, 2.0, 1.0), (2.0, 0.0, 0.0), (1.5, 0.5, 0.5)])
def test_equals_a_double_loop(batch, lam, gamma, margin):
    settings = {"hill": lam, "gamma": gamma, "margin": margin}
    assert_equals_naive(partial(hill, settings_of("hill", **settings)), partial(cost, **settings), batch)


def test_a_negative_that_looks_most_positive_pulls_less_than_a_doubtful_one():
    logits = torch.tensor([[-4.0, 0.0, 4.0]], requires_grad=True)
    targets = torch.zeros(1, 3, dtype=torch.int8)
    hill(settings_of("hill"), logits, targets, torch.ones(3))[0].backward()
    low, doubtful, high = logits.grad[0]
    assert doubtful > 10 * high > 0 and doubtful > 10 * low > 0
