import math
from functools import partial

import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS, assert_equals_naive

from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.focal import focal


def cost(p: float, label: int, gamma: float, alpha: float | None) -> float:
    """Equations 2 to 5 of the paper."""
    p_t = p if label == 1 else 1 - p
    alpha_t = 1 if alpha is None else alpha if label == 1 else 1 - alpha
    return -alpha_t * (1 - p_t) ** gamma * math.log(p_t)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_equals_a_double_loop(batch, gamma, alpha):
    settings = {"gamma": gamma, "alpha": alpha}
    assert_equals_naive(partial(focal, **settings), partial(cost, **settings), batch)


def test_without_focus_it_is_bce(batch):
    sums = focal(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS, gamma=0.0)
    torch.testing.assert_close(sums, bce(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS))


def test_even_shares_halve_the_loss_and_not_the_weights(batch):
    losses, weights = focal(*batch, CLASS_WEIGHTS, gamma=2.0)
    half, same = focal(*batch, CLASS_WEIGHTS, gamma=2.0, alpha=0.5)
    torch.testing.assert_close(half, losses / 2)
    assert torch.equal(same, weights)
