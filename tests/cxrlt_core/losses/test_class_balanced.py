import numpy as np
import pytest
import torch
from naive import CLASS_WEIGHTS, IMAGE_WEIGHTS

from cxrlt_core.losses.bce import bce
from cxrlt_core.losses.class_balanced import BalancedBce, balance


def training_set(positives: list[int], n: int = 1000) -> np.ndarray:
    return (np.arange(n)[:, None] < np.array(positives)).astype(np.int8)


@pytest.mark.parametrize("beta", [0.9, 0.999, 0.9999])
def test_weights_are_the_published_ones(beta):
    positives = [500, 90, 7, 1]
    weights = balance(training_set(positives), beta)
    published = [(1 - beta) / (1 - beta**n) for n in positives]
    expected = [w * 4 / sum(published) for w in published]  # the paper: Σ w = C
    np.testing.assert_allclose(weights, expected, rtol=1e-6)
    assert weights.dtype == np.float32


@pytest.mark.parametrize(("positives", "known", "same"), [((100, 100), 10, 10), ((50, 0), 100, 1)])
def test_unknown_labels_do_not_count_and_no_positive_counts_as_one(positives, known, same):
    targets = training_set(positives)
    targets[known:100, 1] = -1
    expected = balance(training_set([positives[0], same]), 0.999)
    np.testing.assert_array_equal(balance(targets, 0.999), expected)


def test_a_class_without_known_labels_weighs_nothing_and_shifts_no_mean():
    targets = training_set([50, 5, 0])
    targets[:, 2] = -1
    weights = balance(targets, 0.999)
    assert weights[2] == 0
    np.testing.assert_array_equal(weights[:2], balance(targets[:, :2], 0.999))
    assert weights[:2].mean() == pytest.approx(1)
    assert (balance(np.full((3, 2), -1, np.int8), 0.999) == 0).all()


def test_beta_zero_is_bce(batch):
    loss = BalancedBce(balance(training_set([500, 90, 7, 1]), 0.0))
    assert loss(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS) == bce(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS)


def test_the_weights_multiply_those_of_the_study(batch):
    """Positive and negative labels of a class weigh the same."""
    weights = np.array([0.5, 1.0, 2.0, 0.25], np.float32)
    sums = BalancedBce(weights)(*batch, CLASS_WEIGHTS, IMAGE_WEIGHTS)
    expected = bce(*batch, CLASS_WEIGHTS * torch.from_numpy(weights), IMAGE_WEIGHTS)
    torch.testing.assert_close(sums, expected)
