"""Losses against the equations of their papers, and against each other."""

import math
from functools import partial

import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS, assert_equals_naive
from settings import loss as settings_of
from torch.nn import functional as F

from cxrlt_core.losses import mean_loss
from cxrlt_core.losses.asl import asl
from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.focal import focal

PUBLISHED = {"gamma_pos": 0.0, "gamma_neg": 4.0, "clip": 0.05}


def bce_cost(p: float, label: int) -> float:
    return -math.log(p if label == 1 else 1 - p)


@pytest.mark.parametrize("image_weights", [None, IMAGE_WEIGHTS])
def test_bce_equals_a_double_loop(batch, image_weights):
    assert_equals_naive(bce, bce_cost, batch, image_weights)


def test_bce_is_the_fused_cross_entropy_to_the_last_bit(batch):
    """Trainings of earlier versions stay reproducible."""
    logits, targets = batch
    weights = (targets != -1) * CLASS_WEIGHTS * IMAGE_WEIGHTS[:, None]
    expected = F.binary_cross_entropy_with_logits(
        logits, (targets == 1).float(), weight=weights, reduction="sum"
    )
    losses, total = bce(logits, targets, CLASS_WEIGHTS, IMAGE_WEIGHTS)
    assert torch.equal(losses, expected) and torch.equal(total, weights.sum())
    gradients = [torch.autograd.grad(one / weights.sum(), logits)[0] for one in (losses, expected)]
    assert torch.equal(*gradients)


def test_the_mean_is_that_of_the_known_labels_and_a_huge_logit_costs_its_size(batch):
    logits, targets = batch
    known = targets != -1
    entries = F.binary_cross_entropy_with_logits(logits[known], targets[known].float())
    mean = mean_loss(*bce(logits, targets, torch.ones(4)))
    assert mean.item() == pytest.approx(entries.item(), rel=1e-6)
    logits, targets = torch.tensor([[1e4, -1e4]]), torch.tensor([[0, 1]], dtype=torch.int8)
    assert mean_loss(*bce(logits, targets, torch.ones(2))).item() == pytest.approx(1e4)


def focal_cost(p: float, label: int, gamma: float, alpha: float | None) -> float:
    """Equations 2 to 5 of the paper."""
    p_t = p if label == 1 else 1 - p
    alpha_t = 1 if alpha is None else alpha if label == 1 else 1 - alpha
    return -alpha_t * (1 - p_t) ** gamma * math.log(p_t)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("alpha", [None, 0.25])
def test_focal_equals_a_double_loop(batch, gamma, alpha):
    settings = {"gamma": gamma, "alpha": alpha}
    assert_equals_naive(partial(focal, **settings), partial(focal_cost, **settings), batch)


def test_even_shares_halve_the_loss_and_not_the_weights(batch):
    losses, weights = focal(*batch, CLASS_WEIGHTS, gamma=2.0)
    half, same = focal(*batch, CLASS_WEIGHTS, gamma=2.0, alpha=0.5)
    torch.testing.assert_close(half, losses / 2)
    assert torch.equal(same, weights)


def asl_cost(p: float, label: int, gamma_pos: float, gamma_neg: float, clip: float) -> float:
    """Equations 5 to 7 of the paper."""
    if label == 1:
        return -((1 - p) ** gamma_pos) * math.log(p)
    p_m = max(p - clip, 0)
    return -(p_m**gamma_neg) * math.log(1 - p_m)


@pytest.mark.parametrize("gamma_pos", [0.0, 1.0])
@pytest.mark.parametrize("gamma_neg", [0.0, 0.5, 1.0, 4.0])
@pytest.mark.parametrize("clip", [0.0, 0.05, 0.3])
def test_asl_equals_a_double_loop(batch, gamma_pos, gamma_neg, clip):
    settings = {"gamma_pos": gamma_pos, "gamma_neg": gamma_neg, "clip": clip}
    assert_equals_naive(partial(asl, settings_of("asl", **settings)), partial(asl_cost, **settings), batch)


NO_FOCUS = partial(asl, settings_of("asl", gamma_pos=0.0, gamma_neg=0.0, clip=0.0))
SAME_FOCUS = partial(asl, settings_of("asl", gamma_pos=2.0, gamma_neg=2.0, clip=0.0))


@pytest.mark.parametrize(
    ("loss", "same"),
    [(partial(focal, gamma=0.0), bce), (NO_FOCUS, bce), (SAME_FOCUS, partial(focal, gamma=2.0))],
)
def test_one_loss_is_a_case_of_another(batch, loss, same):
    weights = (CLASS_WEIGHTS, IMAGE_WEIGHTS)
    torch.testing.assert_close(loss(*batch, *weights), same(*batch, *weights))


@pytest.mark.parametrize("gamma_neg", [0.0, 0.5, 4.0])
def test_a_negative_below_the_margin_is_free_and_a_positive_is_not(gamma_neg):
    logits = torch.logit(torch.tensor([[0.04, 0.04, 0.06]])).requires_grad_()
    targets = torch.tensor([[0, 1, 0]], dtype=torch.int8)
    losses, weights = asl(
        settings_of("asl", **{**PUBLISHED, "gamma_neg": gamma_neg}), logits, targets, torch.ones(3)
    )
    losses.backward()
    assert weights.item() == 3
    assert (logits.grad[0] == 0).tolist() == [True, False, False]


def test_the_gradient_passes_through_the_focus():
    """An easy negative pulls 1 + gamma_neg times as much as with its focusing factor held constant."""
    logits = torch.tensor([[-6.0]], requires_grad=True)
    targets = torch.zeros(1, 1, dtype=torch.int8)
    asl(settings_of("asl", **{**PUBLISHED, "clip": 0.0}), logits, targets, torch.ones(1))[0].backward()
    p = math.exp(-6) / (1 + math.exp(-6))
    assert logits.grad.item() == pytest.approx(5 * p**5, rel=0.01)
