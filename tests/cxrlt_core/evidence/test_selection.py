import numpy as np
import pytest

from cxrlt_core.designs.reweight import Reweighting, reweight
from cxrlt_core.evidence.selection import Models, repeat_choice, selection_variance, upweighted_share
from cxrlt_core.metrics.bootstrap import PatientResamples, resample_patients
from cxrlt_core.metrics.calibration import best_thresholds
from cxrlt_core.metrics.scores import CPU, auroc, average_precision


def crossed(worth: np.ndarray, by_patient: float, seed: int = 0) -> np.ndarray:
    """Deviations of choices (R, 1 + 60) that test patients like more or less."""
    generator = np.random.default_rng(seed)
    on_set = worth + by_patient * generator.normal(size=len(worth))
    again = by_patient * generator.normal(size=(len(worth), 60)) + generator.normal(size=60)
    return np.column_stack([on_set, on_set[:, None] + again])


@pytest.mark.parametrize("by_patient", [0.0, 1.0, 2.0])
def test_what_test_patients_make_of_a_choice_is_taken_off(by_patient):
    worth = np.random.default_rng(1).normal(size=4000)
    found = selection_variance(crossed(worth, by_patient)[None])
    assert found == pytest.approx(1, rel=0.15)


@pytest.mark.filterwarnings("error")
def test_nothing_is_added_by_choices_that_are_worth_the_same_or_are_none():
    shares = [selection_variance(crossed(np.zeros(4000), 1.0, seed)[None]) for seed in range(5)]
    assert max(shares) < 0.06 and min(shares) >= 0
    for made in (np.zeros((1, 1, 1)), np.zeros((3, 100, 26)), np.arange(10.0).reshape(1, 5, 2)):
        assert selection_variance(made) == 0


def test_what_a_choice_does_to_one_seed_is_left_to_the_seeds():
    generator = np.random.default_rng(2)
    common, own = generator.normal(size=4000), generator.normal(size=(3, 4000))
    seeds = np.stack([crossed(common + its, 0.5, seed) for seed, its in enumerate(own, 10)])
    assert selection_variance(seeds) == pytest.approx(1, rel=0.1)
    assert selection_variance(seeds[:1]) == pytest.approx(2, rel=0.1)  # one seed: all of it


def images(generator, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Two defined classes with ties and unknown labels, and one without a positive; three models."""
    targets = generator.integers(0, 2, size=(number, 3))
    targets[generator.random(targets.shape) < 0.1] = -1
    targets[:, 2] = 0
    noise = generator.random((3, number, 3))
    return targets, np.round(0.4 * (targets == 1) + 0.6 * noise, 2).astype(np.float32)


def repeated(resamples: PatientResamples, number: int) -> np.ndarray:
    """The images of a resample."""
    return np.repeat(np.arange(len(resamples.patient)), resamples.counts[resamples.patient, number])


def test_a_repeated_choice_is_the_one_that_was_written_out():
    generator = np.random.default_rng(3)
    (dev_targets, dev), (test_targets, test) = images(generator, 60), images(generator, 80)
    dev_resamples = resample_patients(np.arange(60), 5, 0)
    test_resamples = resample_patients(np.arange(80), 4, 1)
    weights = np.eye(3)[:, generator.integers(3, size=(5, 3))]  # one model each, some alike
    of_dev, of_test = Models(dev_targets, dev, dev_resamples), Models(test_targets, test, test_resamples)
    found = repeat_choice(of_dev, of_test, weights, CPU)
    on_test = [np.arange(80), *(repeated(test_resamples, column) for column in range(4))]
    for r in range(5):
        drawn = repeated(dev_resamples, r)
        on_dev = np.einsum("mnc,mc->nc", dev, weights[:, r])[drawn]
        np.testing.assert_allclose(found.dev[r], average_precision(dev_targets[drawn], on_dev))
        limits = best_thresholds(dev_targets[drawn], on_dev)
        scores = np.einsum("mnc,mc->nc", test, weights[:, r])
        for column, rows in enumerate(on_test):
            targets, its = test_targets[rows], scores[rows]
            np.testing.assert_allclose(found.test["AP"][r, column], average_precision(targets, its))
            np.testing.assert_allclose(found.test["AUROC"][r, column], auroc(targets, its))
            called, positive = (its >= limits) & (targets != -1), targets == 1
            f1 = 2 * (called & positive).sum(0)[:2] / (called.sum(0) + positive.sum(0))[:2]
            np.testing.assert_allclose(found.test["F1"][r, column], [*f1, np.nan], rtol=1e-6)


def test_a_resample_without_a_positive_leaves_a_class_undefined_there():
    targets = np.array([[1], [0], [0], [1]])
    scores = np.array([[[0.9], [0.5], [0.2], [0.4]]], np.float32)
    empty = PatientResamples(np.array([[0, 1], [2, 1], [2, 1], [0, 1]], np.uint8), np.arange(4))
    models = Models(targets, scores, empty)
    found = repeat_choice(models, models, np.ones((1, 2, 1)), CPU)
    assert np.isnan(found.dev[0, 0]) and np.isfinite(found.dev[1, 0])
    assert np.isnan(found.test["F1"][0]).all()
    assert np.isfinite(found.test["F1"][1, [0, 2]]).all() and np.isnan(found.test["F1"][1, 1]).all()


@pytest.mark.parametrize("rule", ["below_mean", "below_median", "bottom_k"])
def test_the_share_of_upweighting_counts_what_the_rule_does(rule):
    generator = np.random.default_rng(4)
    ap, classes = generator.normal([0.1, 0.3, 0.32, 0.6], 0.05, size=(50, 4)), ["a", "b", "c", "d"]
    ap[3, 0] = np.nan
    settings = Reweighting(ratio=2.0, rule=rule, k=2)
    found = upweighted_share(ap, classes, settings)
    for c, name in enumerate(classes):
        each = [
            reweight({n: None if np.isnan(v) else v for n, v in zip(classes, row, strict=True)}, settings)
            for row in ap
        ]
        assert found[name] == np.mean([one["weights"][name] == 2 for one in each]), c
    assert found["a"] == 0.98 and found["d"] == 0 and 0 < found["c"] < 1
