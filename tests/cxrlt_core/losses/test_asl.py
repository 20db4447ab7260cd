import math
from functools import partial

import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS, assert_equals_naive

from cxrlt_core.losses.asl import asl
from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.focal import focal

PUBLISHED = {"gamma_pos": 0.0, "gamma_neg": 4.0, "clip": 0.05}


def cost(p: float, label: int, gamma_pos: float, gamma_neg: float, clip: float) -> float:
    """Equations 5 to 7 of the paper."""
    if label == 1:
        return -((1 - p) ** gamma_pos) * math.log(p)
    p_m = max(p - clip, 0)
    return -(p_m**gamma_neg) * math.log(1 - p_m)


@pytest.mark.parametrize("gamma_pos", [0.0, 1.0])
@pytest.mark.parametrize("gamma_neg", [0.0, 0.5, 1.0, 4.0])
@pytest.mark.parametrize("clip", [0.0, 0.05, 0.3])
def test_equals_a_double_loop(batch, gamma_pos, gamma_neg, clip):
    settings = {"gamma_pos": gamma_pos, "gamma_neg": gamma_neg, "clip": clip}
    assert_equals_naive(partial(asl, **settings), partial(cost, **settings), batch)


def test_without_focus_and_margin_it_is_bce(batch):
    sums = asl(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS, gamma_pos=0.0, gamma_neg=0.0, clip=0.0)
    torch.testing.assert_close(sums, bce(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS))


def test_with_equal_focus_and_no_margin_it_is_focal(batch):
    sums = asl(*batch, CLASS_WEIGHTS, gamma_pos=2.0, gamma_neg=2.0, clip=0.0)
    torch.testing.assert_close(sums, focal(*batch, CLASS_WEIGHTS, gamma=2.0))


@pytest.mark.parametrize("gamma_neg", [0.0, 0.5, 4.0])
def test_a_negative_below_the_margin_is_free_and_a_positive_is_not(gamma_neg):
    logits = torch.logit(torch.tensor([[0.04, 0.04, 0.06]])).requires_grad_()
    targets = torch.tensor([[0, 1, 0]], dtype=torch.int8)
    losses, weights = asl(logits, targets, torch.ones(3), **{**PUBLISHED, "gamma_neg": gamma_neg})
    losses.backward()
    assert weights.item() == 3
    assert (logits.grad[0] == 0).tolist() == [True, False, False]


def test_the_gradient_passes_through_the_focus():
    """An easy negative pulls 1 + gamma_neg times as much as with its focusing factor held constant."""
    logits = torch.tensor([[-6.0]], requires_grad=True)
    asl(logits, torch.zeros(1, 1, dtype=torch.int8), torch.ones(1), **{**PUBLISHED, "clip": 0.0})[
        0
    ].backward()
    p = math.exp(-6) / (1 + math.exp(-6))
    assert logits.grad.item() == pytest.approx(5 * p**5, rel=0.01)
