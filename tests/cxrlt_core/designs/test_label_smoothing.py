import math

import pytest
import torch
from runs import run, same

from cxrlt_core.designs import mixup, results
from cxrlt_core.designs.hooks import Labels
from cxrlt_core.designs.label_smoothing import Settings, loss
from cxrlt_core.losses.bce import bce
from cxrlt_core.training.objective import label_objective


def smoothed(logit: float, label: int, epsilon: float) -> float:
    """Cross-entropy with (1 − ε) of the label and ε spread over both."""
    p = 1 / (1 + math.exp(-logit))
    share = (1 - epsilon) * label + epsilon / 2
    return -share * math.log(p) - (1 - share) * math.log(1 - p)


@pytest.mark.parametrize("epsilon", [0.1, 0.5])
def test_it_is_the_cross_entropy_of_smoothed_labels_and_unknown_ones_stay_unknown(epsilon):
    logits = torch.tensor([[1.5, -0.5, 3.0], [0.2, 2.0, -1.0]])
    targets = torch.tensor([[1, 0, -1], [-1, 1, 0]], dtype=torch.int8)
    weights = torch.tensor([1.0, 2.0, 0.5])
    losses, weight = loss(Settings(epsilon=epsilon), None)(label_objective(bce))(
        logits, Labels(targets), weights
    )
    expected = total = 0.0
    for i in range(2):
        for c in range(3):
            if targets[i, c] != -1:
                expected += float(weights[c]) * smoothed(float(logits[i, c]), int(targets[i, c]), epsilon)
                total += float(weights[c])
    assert losses.item() == pytest.approx(expected, rel=1e-6) and weight.item() == total


def test_with_mixup_it_does_not_matter_which_acts_first():
    designs = {"label_smoothing": Settings(epsilon=0.2), "mixup": mixup.Settings(alpha=1)}
    first, second = results(designs, "loss", None)
    torch.manual_seed(0)
    targets, partners = torch.randint(-1, 2, (2, 5, 3), dtype=torch.int8)
    labels = Labels(targets, partners, {"lam": torch.rand(5)})
    plain, args = label_objective(bce), (torch.randn(5, 3), labels, torch.ones(3))
    sums = second(first(plain))(*args)
    torch.testing.assert_close(sums, first(second(plain))(*args))
    assert sums[0] > mixup.loss(designs["mixup"], None)(plain)(*args)[0]


def test_it_reaches_a_training(training, tmp_path):
    def trained(name: str, designs: dict) -> dict:
        return run(training(epochs=1, designs=designs), tmp_path, name)

    assert not same(trained("off", {}), trained("on", {"label_smoothing": Settings(epsilon=0.2)}))
