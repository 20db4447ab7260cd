import numpy as np
import pytest
import torch

from cxrlt_core.designs.reweight import Reweighting, reweight, uniform_weights
from cxrlt_core.losses import mean_loss
from cxrlt_core.losses.bce import bce

AP = {"a": 0.1, "b": 0.2, "c": None, "d": 0.3, "e": 0.9}  # mean 0.375, median 0.25


def by(ratio: float, rule: str, k: int) -> Reweighting:
    return Reweighting(ratio=ratio, rule=rule, k=k)


def upweighted(result: dict) -> list[str]:
    return [name for name, weight in result["weights"].items() if weight != 1]


@pytest.mark.parametrize(
    ("rule", "names", "threshold"),
    [("below_mean", ["a", "b", "d"], 0.375), ("below_median", ["a", "b"], 0.25), ("bottom_k", ["a"], 0.1)],
)
def test_each_rule_picks_its_classes(rule, names, threshold):
    result = reweight(AP, by(2, rule, 1))
    assert upweighted(result) == names
    assert result["threshold"] == pytest.approx(threshold)
    assert result["rule"] == rule and result["ratio"] == 2
    assert list(result["weights"]) == list(AP)
    assert set(result["weights"].values()) == {1.0, 2.0}


@pytest.mark.parametrize(
    ("ap", "rule", "k", "names", "threshold"),
    [
        ({"z": 0.2, "y": 0.2, "x": 0.2}, "bottom_k", 2, ["z", "y"], 0.2),  # ties go by the classes' order
        ({"x": 0.25, "y": 0.25}, "below_mean", 2, [], 0.25),
        ({"x": 0.25, "y": 0.25}, "below_median", 2, [], 0.25),
        (AP, "bottom_k", 10, ["a", "b", "d", "e"], 0.9),  # an undefined one is left alone
        *(({"a": None, "b": None}, rule, 1, [], None) for rule in ("below_mean", "below_median", "bottom_k")),
    ],
)
def test_ties_and_undefined_classes(ap, rule, k, names, threshold):
    result = reweight(ap, by(3, rule, k))
    assert upweighted(result) == names and result["threshold"] == threshold


def test_uniform_weights_have_the_same_form():
    uniform = uniform_weights(["a", "b"])
    assert uniform.keys() == reweight(AP, by(2, "below_mean", 5)).keys()
    weights = {"a": 1.0, "b": 1.0}
    assert uniform == {"ratio": 1.0, "rule": "uniform", "threshold": None, "weights": weights}


def test_weights_move_the_gradient_to_the_poor_classes():
    weights = reweight({"good": 0.9, "poor": 0.1}, by(3, "below_mean", 5))["weights"]
    gradients = []
    for values in ([1.0, 1.0], list(weights.values())):
        logits = torch.zeros(4, 2, requires_grad=True)
        targets = torch.ones(4, 2, dtype=torch.int8)
        mean_loss(*bce(logits, targets, torch.tensor(values))).backward()
        gradients.append(logits.grad.abs().sum(0).numpy())
    np.testing.assert_allclose(gradients[0], [0.25, 0.25])
    np.testing.assert_allclose(gradients[1], [0.125, 0.375])
