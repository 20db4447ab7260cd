import math

import pytest
import torch

from cxrlt_core.loss import masked_bce, mean_loss


def naive(logits, targets, class_weights, image_weights) -> tuple[float, float]:
    total = weight_sum = 0.0
    for i in range(len(logits)):
        for c in range(logits.shape[1]):
            if targets[i, c] == -1:
                continue
            p = 1 / (1 + math.exp(-logits[i, c]))
            weight = float(class_weights[c] * image_weights[i])
            total += weight * -math.log(p if targets[i, c] == 1 else 1 - p)
            weight_sum += weight
    return total, weight_sum


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, generator=generator)
    targets = torch.randint(-1, 2, (6, 4), generator=generator, dtype=torch.int8)
    return logits.requires_grad_(), targets


@pytest.mark.parametrize("image_weights", [None, torch.tensor([1.0, 0.5, 2.0, 0.0, 1.0, 3.0])])
def test_equals_a_double_loop(batch, image_weights):
    logits, targets = batch
    weights = torch.tensor([1.0, 2.0, 3.0, 0.5])
    losses, total = masked_bce(logits, targets, weights, image_weights)
    expected = naive(
        logits.detach(), targets, weights, torch.ones(6) if image_weights is None else image_weights
    )
    assert losses.item() == pytest.approx(expected[0], rel=1e-5)
    assert total.item() == pytest.approx(expected[1], rel=1e-6)


def test_unknown_labels_have_no_gradient_and_do_not_shift_the_mean(batch):
    logits, targets = batch
    weights = torch.ones(4)
    mean = mean_loss(*masked_bce(logits, targets, weights))
    mean.backward()
    assert (logits.grad[targets == -1] == 0).all() and (logits.grad[targets != -1] != 0).all()
    known = targets != -1
    entries = torch.nn.functional.binary_cross_entropy_with_logits(logits[known], targets[known].float())
    assert mean.item() == pytest.approx(entries.item(), rel=1e-6)


def test_class_weights_scale_the_gradient_of_their_class(batch):
    logits, _ = batch
    targets = torch.ones(6, 4, dtype=torch.int8)
    gradients = []
    for weights in (torch.ones(4), torch.tensor([1.0, 3.0, 1.0, 1.0])):
        logits.grad = None
        masked_bce(logits, targets, weights)[0].backward()
        gradients.append(logits.grad.clone())
    torch.testing.assert_close(gradients[1] / gradients[0], torch.tensor([1.0, 3, 1, 1]).expand(6, 4))


def test_a_batch_without_known_labels_costs_nothing(batch):
    logits, targets = batch
    loss = mean_loss(*masked_bce(logits, torch.full_like(targets, -1), torch.ones(4)))
    loss.backward()
    assert loss.item() == 0 and (logits.grad == 0).all()


def test_huge_logits_stay_finite():
    logits, targets = torch.tensor([[1e4, -1e4]]), torch.tensor([[0, 1]], dtype=torch.int8)
    assert mean_loss(*masked_bce(logits, targets, torch.ones(2))).item() == pytest.approx(1e4)
