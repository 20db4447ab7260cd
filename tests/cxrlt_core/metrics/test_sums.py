"""The metrics that are sums, and how their terms are added up."""

import numpy as np
import pytest
from naive_metrics import all_metrics, random_set

from cxrlt_core.metrics.bootstrap import every_image_once
from cxrlt_core.metrics.calibration import Calibration
from cxrlt_core.metrics.metric import SumMetric, metrics_of
from cxrlt_core.metrics.scores import resample
from cxrlt_core.metrics.sums import BINS, Term, add_terms

SUMMED = [metric.name for metric in metrics_of(SumMetric)]


def of_class(targets: list, scores: list, temperature: float = 1.0) -> dict[str, float]:
    """Metrics of one class at a threshold of 0.4."""
    columns = np.array(targets)[:, None], np.array(scores)[:, None]
    fit = Calibration(np.array([0.4]), temperature)
    found = resample(*columns, fit, every_image_once(len(targets)))
    return {name: float(found[name][0, 0]) for name in SUMMED}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_metrics_equal_sklearn(dtype):
    for t, s in zip(*(one.T for one in random_set(2, 3)), strict=True):
        expected = all_metrics(t, s.astype(dtype), 0.4, 0.7)
        found = of_class(t, s.astype(dtype), 0.7)
        assert found == pytest.approx({name: expected[name] for name in SUMMED}, abs=1e-12)


def test_perfect_worst_and_borderline_probabilities():
    """A certain error costs -log of the clip, not infinity."""
    worst = dict.fromkeys(("F1", "F1_half"), 0) | dict.fromkeys(("ECE", "ECE_scaled", "Brier"), 1)
    sure = -np.log(1e-7)
    assert of_class([1, 0], [0.0, 1.0]) == pytest.approx({**worst, "NLL": sure, "NLL_scaled": sure}, abs=2e-7)
    perfect = {name: 1 - value for name, value in worst.items()} | {"NLL": 0, "NLL_scaled": 0}
    assert of_class([1, 0], [1.0, 0.0]) == pytest.approx(perfect, abs=2e-7)
    # a score at the threshold counts as positive
    assert of_class([1, 0], [0.4, 0.3])["F1"] == 1 and of_class([1, 0], [0.5, 0.3])["F1_half"] == 1


def test_errors_cancel_within_a_bin_and_add_up_across_bins():
    assert of_class([1, 0], [0.5, 0.5])["ECE"] == pytest.approx(0)
    assert of_class([1, 0, 0, 0], [0.5, 0.5, 0.02, 0.04])["ECE"] == pytest.approx(0.015)
    edge = 2 / BINS
    assert of_class([1, 0], [edge, np.nextafter(edge, 0)])["ECE"] == pytest.approx(0.5)


def test_the_terms_of_a_patient_are_added_up():
    generator = np.random.default_rng(0)
    values, binned = generator.random((2, 40))
    patient, bins = generator.integers(0, 6, 40), generator.integers(0, BINS, 40)
    found = add_terms([Term(values), Term(binned, bins)], patient, 7)
    for number in range(7):
        rows = patient == number
        assert found[number, 0] == pytest.approx(values[rows].sum())
        expected = [binned[rows & (bins == b)].sum() for b in range(BINS)]
        np.testing.assert_allclose(found[number, 1:], expected, atol=1e-12)
