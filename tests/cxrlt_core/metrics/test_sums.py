import warnings

import numpy as np
import pytest
import torch
from naive_metrics import all_metrics, random_set

from cxrlt_core.metrics.calibration import scale
from cxrlt_core.metrics.sums import BINS, add_terms, from_sums


def metrics(targets: list, scores: list, threshold: float = 0.5) -> dict[str, float]:
    """Of one class."""
    targets, scores = np.array(targets), np.array(scores)
    terms = add_terms(targets, scores, scores, threshold, np.zeros(len(targets), int), 1)
    return {name: float(value) for name, value in from_sums(torch.from_numpy(terms)).items()}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metrics_equal_sklearn(dtype):
    targets, scores = random_set(2, 3)
    scores = scores.astype(dtype)
    scaled, patient = scale(scores, 0.7), np.arange(len(targets)) % 9
    terms = [add_terms(*one, 0.4, patient, 9) for one in zip(targets.T, scores.T, scaled.T, strict=True)]
    found = from_sums(torch.from_numpy(np.sum(terms, axis=1)))
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
    targets, scores = np.array([-1, -1, -1, 1]), np.array([0.9, np.nan, np.inf, 0.9])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        terms = add_terms(targets, scores, scores, 0.5, np.arange(4), 4)
    assert (terms[:3] == 0).all() and (terms[3] != 0).any()


def test_the_terms_of_a_patient_are_added_up():
    targets, scores = random_set(2, 3)
    patient = np.array([4, 0, 2, 4] * len(targets))[: len(targets)]
    found = add_terms(targets[:, 0], scores[:, 0], scores[:, 1], 0.4, patient, 6)
    for number in range(6):
        its = patient == number
        columns = targets[its, 0], scores[its, 0], scores[its, 1]
        alone = add_terms(*columns, 0.4, np.zeros(its.sum(), int), 1)
        np.testing.assert_allclose(found[[number]], alone, atol=1e-12)
