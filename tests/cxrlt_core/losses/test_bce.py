import math

import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS, assert_equals_naive
from torch.nn import functional as F

from cxrlt_core.losses import mean_loss
from cxrlt_core.losses.bce import bce


def cost(p: float, label: int) -> float:
    return -math.log(p if label == 1 else 1 - p)


@pytest.mark.parametrize("image_weights", [None, IMAGE_WEIGHTS])
def test_equals_a_double_loop(batch, image_weights):
    assert_equals_naive(bce, cost, batch, image_weights)


def test_is_the_fused_cross_entropy_to_the_last_bit(batch):
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


def test_the_mean_is_that_of_the_known_labels(batch):
    logits, targets = batch
    known = targets != -1
    entries = F.binary_cross_entropy_with_logits(logits[known], targets[known].float())
    mean = mean_loss(*bce(logits, targets, torch.ones(4)))
    assert mean.item() == pytest.approx(entries.item(), rel=1e-6)


def test_a_huge_logit_costs_its_size():
    logits, targets = torch.tensor([[1e4, -1e4]]), torch.tensor([[0, 1]], dtype=torch.int8)
    assert mean_loss(*bce(logits, targets, torch.ones(2))).item() == pytest.approx(1e4)
