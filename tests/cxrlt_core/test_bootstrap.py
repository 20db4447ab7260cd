import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrlt_core.bootstrap import bootstrap_metrics, interval, mean_over_classes, patient_draws

PATIENTS = ["p1", "p2", "p1", "p3", "p2", "p1", "p4"]


def test_all_images_of_a_patient_count_alike():
    draws = patient_draws(PATIENTS, 200, seed=0)
    for patient in set(PATIENTS):
        rows = draws[[p == patient for p in PATIENTS]]
        assert (rows == rows[0]).all()


def test_each_resample_has_as_many_patients_as_there_are():
    draws = patient_draws(PATIENTS, 200, seed=0)
    first_images = [PATIENTS.index(p) for p in sorted(set(PATIENTS))]
    assert (draws[first_images].sum(axis=0) == 4).all()
    assert draws.dtype == np.uint8 and draws.shape == (7, 200)


def test_every_patient_is_drawn_once_on_average():
    draws = patient_draws(np.arange(50), 2000, seed=1)
    np.testing.assert_allclose(draws.mean(axis=1), 1, atol=0.12)
    np.testing.assert_allclose(draws.var(axis=1), 1 - 1 / 50, atol=0.2)


def test_draws_depend_on_the_seed_alone():
    draws = patient_draws(PATIENTS, 50, seed=3)
    np.testing.assert_array_equal(draws, patient_draws(PATIENTS, 50, seed=3))
    assert (draws != patient_draws(PATIENTS, 50, seed=4)).any()
    np.testing.assert_array_equal(draws[:, :20], patient_draws(PATIENTS, 20, seed=3))


def test_metrics_equal_a_naive_loop_over_repeated_rows():
    generator = np.random.default_rng(2)
    targets = generator.integers(-1, 2, size=(120, 3))
    scores = np.round(generator.random((120, 3)), 1)
    draws = patient_draws(generator.integers(0, 30, size=120), 25, seed=5)
    ap, auc = bootstrap_metrics(targets, scores, draws)
    assert ap.shape == auc.shape == (25, 3)
    for b in range(25):
        rows = np.repeat(np.arange(120), draws[:, b])
        for c in range(3):
            known = rows[targets[rows, c] != -1]
            expected = average_precision_score(targets[known, c], scores[known, c])
            assert ap[b, c] == pytest.approx(expected, abs=1e-9)
            expected = roc_auc_score(targets[known, c], scores[known, c])
            assert auc[b, c] == pytest.approx(expected, abs=1e-9)


def test_mean_leaves_out_undefined_classes():
    samples = np.array([[0.2, np.nan, 0.4], [np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(mean_over_classes(samples), [0.3, np.nan])


def test_interval_is_numpys_quantiles_moved_to_the_estimate():
    samples = np.random.default_rng(0).gamma(2, size=1000)
    low, high = interval(np.append(samples, np.nan), 5.0, 0.9)
    expected = np.quantile(samples, [0.05, 0.95]) - samples.mean() + 5.0
    np.testing.assert_allclose((low, high), expected)


@pytest.mark.parametrize("samples", [[], [np.nan, np.nan], [0.3], [0.3, 0.3, np.nan]])
def test_interval_without_spread_is_undefined(samples):
    assert np.isnan(interval(np.array(samples), 0.3, 0.95)).all()


def test_interval_covers_at_its_level():
    """200 studies of 60 patients with two images each: about 90 % of the intervals hold the true mean AP."""
    generator = np.random.default_rng(1)
    held = []
    for study in range(200):
        targets = np.repeat(generator.integers(0, 2, size=60), 2)[:, None]
        scores = targets + generator.normal(scale=1.2, size=(120, 1))
        draws = patient_draws(np.repeat(np.arange(60), 2), 100, seed=study)
        samples = bootstrap_metrics(targets, scores, draws)[1][:, 0]
        low, high = interval(samples, float(roc_auc_score(targets[:, 0], scores[:, 0])), 0.9)
        held.append(low <= 0.7221 <= high)  # Φ(1 / (1.2 √2)), the AUROC of two normals
    assert 0.82 < np.mean(held) < 0.97
