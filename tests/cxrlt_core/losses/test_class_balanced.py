import numpy as np
import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS, training_set

from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.class_balanced import BalancedBce, balance


@pytest.mark.parametrize("beta", [0.9, 0.999, 0.9999])
def test_weights_are_the_published_ones(beta):
    positives = [500, 90, 7, 1]
    weights = balance(training_set(positives), beta)
    published = [(1 - beta) / (1 - beta**n) for n in positives]
    expected = [w * 4 / sum(published) for w in published]  # the paper: Σ w = C
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert weights.dtype == np.float32
    weights = balance(training_set([800, 80, 8]), 1 - 1e-9)  # near one they are inverse counts
    np.testing.assert_allclose(weights / weights[0], [1, 10, 100], rtol=1e-4)


def test_classes_without_positives_or_known_labels():
    targets = training_set([100, 100])
    targets[10:100, 1] = -1  # does not count
    np.testing.assert_array_equal(balance(targets, 0.999), balance(training_set([100, 10]), 0.999))
    none, single = (balance(training_set([50, n]), 0.999) for n in (0, 1))
    np.testing.assert_array_equal(none, single)
    targets = training_set([50, 5, 0])
    targets[:, 2] = -1
    weights = balance(targets, 0.999)
    assert weights[2] == 0
    np.testing.assert_array_equal(weights[:2], balance(targets[:, :2], 0.999))
    assert weights[:2].mean() == pytest.approx(1)
    assert (balance(np.full((3, 2), -1, np.int8), 0.999) == 0).all()


def test_the_weights_multiply_those_of_the_study(batch):
    """Positive and negative labels of a class weigh the same; with beta of 0 it is BCE."""
    even = balance(training_set([500, 90, 7, 1]), 0.0)
    for weights in (even, np.array([0.5, 1.0, 2.0, 0.25], np.float32)):
        sums = BalancedBce(weights)(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS)
        expected = bce(*batch, CLASS_WEIGHTS * torch.from_numpy(weights), IMAGE_WEIGHTS)
        torch.testing.assert_close(sums, expected)
    assert (even == 1).all()
