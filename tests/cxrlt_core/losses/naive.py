"""A loss over partial labels as a double loop in float64, and its slope by differences."""

import math
from collections.abc import Callable

import numpy as np
import torch

CLASS_WEIGHTS = torch.tensor([1.0, 2.0, 3.0, 0.5])
IMAGE_WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 0.0, 1.0, 3.0])


def double_loop(cost: Callable, logits, targets, class_weights, image_weights, at) -> tuple[float, float]:
    """Sum cost(p, label, **at(i, c)) over the known labels by their weights, and sum the weights."""
    total = weight_sum = 0.0
    for i in range(len(logits)):
        for c in range(len(class_weights)):
            if targets[i, c] != -1:
                weight = float(class_weights[c]) * (1.0 if image_weights is None else float(image_weights[i]))
                p = 1 / (1 + math.exp(-logits[i, c]))
                total += weight * cost(p, int(targets[i, c]), **at(i, c))
                weight_sum += weight
    return total, weight_sum


def slopes(cost: Callable, logits, *known, step: float = 1e-5) -> np.ndarray:
    """Central differences of the sum of losses by each logit."""
    result = np.zeros(logits.shape)
    for place in np.ndindex(logits.shape):
        ends = []
        for sign in (1, -1):
            moved = logits.copy()
            moved[place] += sign * step
            ends.append(double_loop(cost, moved, *known)[0])
        result[place] = (ends[0] - ends[1]) / (2 * step)
    return result


def nothing(i: int, c: int) -> dict:
    """What a cost gets beside probability and label, for image i and class c."""
    return {}


def assert_equals_naive(
    loss: Callable, cost: Callable, batch, image_weights=IMAGE_WEIGHTS, at=nothing
) -> None:
    """Hold both sums and the gradient of a loss against the double loop."""
    logits, targets = batch
    logits.grad = None
    losses, weights = loss(logits, targets, CLASS_WEIGHTS, image_weights)
    losses.backward()
    known = (targets.numpy(), CLASS_WEIGHTS.numpy(), image_weights, at)
    exact = logits.detach().double().numpy()
    expected = double_loop(cost, exact, *known)
    assert losses.dtype == weights.dtype == torch.float32
    np.testing.assert_allclose([losses.item(), weights.item()], expected, rtol=1e-5)
    np.testing.assert_allclose(logits.grad.numpy(), slopes(cost, exact, *known), rtol=1e-4, atol=1e-6)


def training_set(positives: list[int], n: int = 1000) -> np.ndarray:
    """Labels in which the first images of each class are positive."""
    return (np.arange(n)[:, None] < np.array(positives)).astype(np.int8)
