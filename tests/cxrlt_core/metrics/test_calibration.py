import warnings

import numpy as np
import pytest
import torch
from naive_metrics import ece, random_set
from sklearn.metrics import brier_score_loss, f1_score

from cxrlt_core.metrics.calibration import BINS, add_by, best_thresholds, from_sums, label_terms


def metrics(targets: list, scores: list, threshold: float = 0.5) -> dict[str, float]:
    """Of one class."""
    terms = label_terms(np.array(targets)[:, None], np.array(scores)[:, None], np.array([threshold]))
    return {name: float(value) for name, value in from_sums(torch.from_numpy(terms.sum(axis=0))).items()}


def f1_of_all(targets: np.ndarray, scores: np.ndarray) -> dict[float, float]:
    """Every score as a threshold, with its F1."""
    known = targets != -1
    t, s = targets[known], scores[known]
    return {threshold: f1_score(t, s >= threshold) for threshold in np.unique(s)}


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
@pytest.mark.parametrize("seed", range(3))
def test_best_threshold_is_the_best_of_all(seed, decimals):
    targets, scores = random_set(seed, decimals, n=60)
    found = best_thresholds(targets, scores)
    for t, s, threshold in zip(targets.T, scores.T, found, strict=True):
        f1 = f1_of_all(t, s)
        best = max(f1.values())
        expected = np.nan if best == 0 else max(limit for limit, value in f1.items() if value == best)
        np.testing.assert_equal(threshold, expected)


def test_best_threshold_takes_equal_scores_together():
    """Split between the equal scores, F1 would be 1."""
    assert best_thresholds(np.array([[1], [0], [0]]), np.array([[0.7], [0.7], [0.1]])) == 0.7
    targets, scores = np.array([[1], [1], [0], [0], [0]]), np.array([[0.9], [0.5], [0.5], [0.5], [0.5]])
    assert best_thresholds(targets, scores) == 0.9


def test_highest_of_equal_thresholds():
    """F1 is 2/3 at 0.9 and at 0.3."""
    targets, scores = np.array([[1], [0], [0], [1]]), np.array([[0.9], [0.7], [0.5], [0.3]])
    assert best_thresholds(targets, scores) == 0.9


def test_threshold_without_a_known_positive_is_undefined():
    targets, scores = np.array([[0, -1, 1], [0, 0, -1]]), np.full((2, 3), 0.4)
    np.testing.assert_array_equal(best_thresholds(targets, scores), [np.nan, np.nan, 0.4])
    assert np.isnan(best_thresholds(np.zeros((0, 2), int), np.zeros((0, 2)))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metrics_equal_sklearn(dtype):
    targets, scores = random_set(2, 3)
    scores = scores.astype(dtype)
    sums = label_terms(targets, scores, np.full(6, 0.4)).sum(axis=0)
    found = from_sums(torch.from_numpy(sums))
    for c, (t, s) in enumerate(zip(targets.T, scores.T, strict=True)):
        t, s = t[t != -1], s[t != -1].astype(np.float64)
        assert float(found["F1"][c]) == pytest.approx(f1_score(t, s >= 0.4), abs=1e-12)
        assert float(found["Brier"][c]) == pytest.approx(brier_score_loss(t, s), abs=1e-12)
        assert float(found["ECE"][c]) == pytest.approx(ece(t, s), abs=1e-12)


def test_a_score_at_the_threshold_counts_as_positive():
    assert metrics([1, 0], [0.5, 0.4])["F1"] == 1


def test_perfect_and_worst_probabilities():
    assert metrics([1, 0], [1.0, 0.0]) == {"F1": 1, "Brier": 0, "ECE": 0}
    assert metrics([1, 0], [0.0, 1.0]) == {"F1": 0, "Brier": 1, "ECE": 1}


def test_errors_cancel_within_a_bin_and_add_up_across_bins():
    assert metrics([1, 0], [0.5, 0.5])["ECE"] == pytest.approx(0)
    assert metrics([1, 0, 0, 0], [0.5, 0.5, 0.02, 0.04])["ECE"] == pytest.approx(0.015)
    edge = 2 / BINS
    assert metrics([1, 0], [edge, np.nextafter(edge, 0)])["ECE"] == pytest.approx(0.5)


def test_unknown_labels_have_no_terms():
    targets = np.array([[-1, -1, -1, 1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        terms = label_terms(targets, np.array([[0.9, np.nan, np.inf, 0.9]]), np.full(4, 0.5))
    assert (terms[0, :3] == 0).all() and (terms[0, 3] != 0).any()


def test_rows_of_a_group_are_added():
    values = np.arange(12.0).reshape(4, 3)
    found = add_by(np.array([2, 0, 2, 0]), 4, values)
    expected = [values[1] + values[3], np.zeros(3), values[0] + values[2], np.zeros(3)]
    np.testing.assert_array_equal(found, expected)
