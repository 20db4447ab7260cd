import math

import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS, assert_equals_naive, training_set
from settings import loss as settings_of

from cxrlt_core.losses import build_loss
from cxrlt_core.losses.focal import focal

POSITIVES = [500, 90, 7, 1]
CODE = {"alpha": 0.1, "beta": 10.0, "mu": 0.2, "tolerance": 2.0, "bias": 0.05, "gamma": 2.0, "factor": 2.0}


def cost(p: float, label: int, share: float, odds: float, s: dict[str, float]) -> float:
    """As the authors' code has it, step by step."""
    balanced = s["alpha"] + 1 / (1 + math.exp(-s["beta"] * (share - s["mu"])))
    x = math.log(p / (1 - p)) + s["bias"] * math.log(odds)
    if label == 1:
        right = 1 / (1 + math.exp(-x))
        return s["factor"] * balanced * (1 - right) ** s["gamma"] * -math.log(right)
    right = 1 / (1 + math.exp(s["tolerance"] * x))
    return s["factor"] * balanced / s["tolerance"] * (1 - right) ** s["gamma"] * -math.log(right)


@pytest.mark.parametrize(
    "changes", [{}, {"gamma": 0.0, "factor": 1.0}, {"mu": 0.5, "beta": 3.0, "tolerance": 5.0, "bias": 1.0}]
)
def test_equals_a_double_loop(batch, changes):
    settings, (_, targets) = {**CODE, **changes}, batch

    def at(i: int, c: int) -> dict:
        known = sum(1 / POSITIVES[j] for j in range(4) if targets[i, j] == 1)
        share = 1 / POSITIVES[c] / known if known else math.inf
        return {"share": share, "odds": (POSITIVES[c] + 0.5) / (1000.5 - POSITIVES[c]), "s": settings}

    loss = build_loss(settings_of("distribution_balanced", **settings), training_set(POSITIVES))
    assert_equals_naive(loss, cost, batch, at=at)


def test_with_everything_off_it_is_focal_loss_and_an_image_without_positives_has_full_weight(batch):
    off = {"alpha": 0.5, "beta": 1e-9, "tolerance": 1.0, "bias": 0.0, "factor": 1.0}
    loss = build_loss(settings_of("distribution_balanced", **{**CODE, **off}), training_set(POSITIVES))
    logits, targets = batch
    some = torch.where((targets == 1).any(1, keepdim=True), targets, -1)
    weights = (CLASS_WEIGHTS, IMAGE_WEIGHTS)
    torch.testing.assert_close(loss(logits, some, *weights), focal(logits, some, *weights, gamma=2.0))
    none = torch.where(targets == 1, 0, targets)
    losses, _ = loss(logits, none, *weights)
    torch.testing.assert_close(losses, 1.5 * focal(logits, none, *weights, gamma=2.0)[0])
