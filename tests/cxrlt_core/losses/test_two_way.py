import math

import numpy as np
import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS
from settings import loss as settings_of

from cxrlt_core.losses import build_loss, mean_loss
from cxrlt_core.losses.two_way import two_way

SETTINGS = settings_of("two_way")


def naive(logits: np.ndarray, targets: np.ndarray, tp: float, tn: float) -> float:
    """The mean of images and that of classes that have a pair; sums over known labels alone."""

    def mean(rows, labels) -> float:
        costs = []
        for row, known in zip(rows, labels, strict=True):
            positive = [math.exp(-z / tp) for z, label in zip(row, known, strict=True) if label == 1]
            negative = [math.exp(z / tn) for z, label in zip(row, known, strict=True) if label == 0]
            if positive and negative:
                hard = tp * math.log(sum(positive)) + tn * math.log(sum(negative))
                costs.append(math.log(1 + math.exp(hard)))
        return sum(costs) / len(costs)

    return mean(logits, targets) + mean(logits.T, targets.T)


@pytest.mark.parametrize(("tp", "tn"), [(4.0, 1.0), (1.0, 1.0), (0.5, 2.0)])
def test_equals_loops_over_images_and_classes(batch, tp, tn):
    logits, targets = batch
    loss = build_loss(
        settings_of("two_way", positive_temperature=tp, negative_temperature=tn), targets.numpy()
    )
    losses, weights = loss(logits, targets, torch.ones(4))
    expected = naive(logits.detach().double().numpy(), targets.numpy(), tp, tn)
    assert mean_loss(losses, weights).item() == pytest.approx(expected, rel=1e-5)
    assert weights == (targets != -1).sum()


def test_at_temperatures_of_one_it_sums_over_pairs():
    """softplus(log Σ exp(−z_p) + log Σ exp(z_n)) is log(1 + Σ Σ exp(z_n − z_p)), the loss of pairs."""
    logits, targets = torch.tensor([[2.0, -1.0, 0.5]]), torch.tensor([[1, 0, 0]], dtype=torch.int8)
    ones = settings_of("two_way", positive_temperature=1.0, negative_temperature=1.0)
    found = mean_loss(*two_way(ones, logits, targets, torch.ones(3)))
    assert found.item() == pytest.approx(math.log(1 + math.exp(-3) + math.exp(-1.5)), rel=1e-6)


def test_a_weight_is_how_often_an_image_or_a_class_stands_there(batch):
    logits, targets = batch
    times, copies = torch.tensor([1, 2, 1, 0, 3, 1]), torch.tensor([2, 1, 0, 1])
    repeated = [part.repeat_interleave(times, 0).repeat_interleave(copies, 1) for part in (logits, targets)]
    plain = two_way(SETTINGS, *repeated, torch.ones(4))
    weighted = two_way(SETTINGS, logits, targets, copies.float(), times.float())
    torch.testing.assert_close(mean_loss(*weighted), mean_loss(*plain))
    gradient = torch.autograd.grad(two_way(SETTINGS, *batch, CLASS_WEIGHTS, IMAGE_WEIGHTS)[0], logits)[0]
    assert gradient.isfinite().all() and (gradient[3] == 0).all()  # whose weight is 0
