import warnings

import numpy as np
import pytest
import torch
from naive_metrics import all_metrics, random_set

from cxrlt_core.metrics.calibration import scale
from cxrlt_core.metrics.sums import BINS, TERMS, add_by, from_sums, label_terms


def metrics(targets: list, scores: list, threshold: float = 0.5) -> dict[str, float]:
    """Of one class."""
    columns = np.array(targets)[:, None], np.array(scores)[:, None]
    terms = label_terms(*columns, columns[1], np.array([threshold]))
    return {name: float(value) for name, value in from_sums(torch.from_numpy(terms.sum(axis=0))).items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metrics_equal_sklearn(dtype):
    targets, scores = random_set(2, 3)
    scores = scores.astype(dtype)
    sums = label_terms(targets, scores, scale(scores, 0.7), np.full(6, 0.4)).sum(axis=0)
    found = from_sums(torch.from_numpy(sums))
    for c, (t, s) in enumerate(zip(targets.T, scores.T, strict=True)):
        expected = all_metrics(t, s, 0.4, 0.7)
        for name, values in found.items():
            assert float(values[c]) == pytest.approx(expected[name], abs=1e-12), name


def test_a_score_at_the_threshold_counts_as_positive():
    assert metrics([1, 0], [0.5, 0.4])["F1"] == 1


def test_perfect_and_worst_probabilities():
    """A certain error costs -log of the clip, not infinity."""
    worst = dict.fromkeys(("F1", "F1_half"), 0) | dict.fromkeys(("ECE", "ECE_scaled", "Brier"), 1)
    sure = -np.log(1e-7)
    assert metrics([1, 0], [0.0, 1.0]) == pytest.approx({**worst, "NLL": sure, "NLL_scaled": sure})
    perfect = {name: 1 - value for name, value in worst.items()} | {"NLL": 0, "NLL_scaled": 0}
    assert metrics([1, 0], [1.0, 0.0]) == pytest.approx(perfect, abs=2e-7)


def test_errors_cancel_within_a_bin_and_add_up_across_bins():
    assert metrics([1, 0], [0.5, 0.5])["ECE"] == pytest.approx(0)
    assert metrics([1, 0, 0, 0], [0.5, 0.5, 0.02, 0.04])["ECE"] == pytest.approx(0.015)
    edge = 2 / BINS
    assert metrics([1, 0], [edge, np.nextafter(edge, 0)])["ECE"] == pytest.approx(0.5)


def test_unknown_labels_have_no_terms():
    targets = np.array([[-1, -1, -1, 1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = np.array([[0.9, np.nan, np.inf, 0.9]])
        terms = label_terms(targets, scores, scores, np.full(4, 0.5))
    assert (terms[0, :3] == 0).all() and (terms[0, 3] != 0).any() and terms.shape == (1, 4, TERMS)


def test_rows_of_a_group_are_added():
    values = np.arange(12.0).reshape(4, 3)
    found = add_by(np.array([2, 0, 2, 0]), 4, values)
    expected = [values[1] + values[3], np.zeros(3), values[0] + values[2], np.zeros(3)]
    np.testing.assert_array_equal(found, expected)
