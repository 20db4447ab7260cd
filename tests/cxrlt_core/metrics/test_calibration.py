import json

import numpy as np
import pytest
from naive_metrics import random_set
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.metrics import f1_score, log_loss

from cxrlt_core.metrics.calibration import (
    COLDEST,
    HOTTEST,
    Calibration,
    best_thresholds,
    calibrate_on_itself,
    fit_temperature,
    scale,
)


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
@pytest.mark.parametrize("seed", range(3))
def test_best_threshold_is_the_best_of_all(seed, decimals):
    targets, scores = random_set(seed, decimals, n=60)
    found = best_thresholds(targets, scores)
    for t, s, threshold in zip(targets.T, scores.T, found, strict=True):
        t, s = t[t != -1], s[t != -1]
        f1, limit = max((f1_score(t, s >= limit), limit) for limit in np.unique(s))
        expected = limit if f1 else np.nan
        np.testing.assert_equal(threshold, expected)


@pytest.mark.parametrize(
    ("targets", "scores", "best"),
    [
        ([1, 0, 0], [0.7, 0.7, 0.1], 0.7),  # split between the equal scores, F1 would be 1
        ([1, 1, 0, 0, 0], [0.9, 0.5, 0.5, 0.5, 0.5], 0.9),
        ([1, 0, 0, 1], [0.9, 0.7, 0.5, 0.3], 0.9),  # F1 is 2/3 at 0.9 and at 0.3
    ],
)
def test_equal_scores_go_together_and_of_equal_thresholds_the_highest_counts(targets, scores, best):
    assert best_thresholds(np.array(targets)[:, None], np.array(scores)[:, None]) == best


def test_threshold_without_a_known_positive_is_undefined():
    targets, scores = np.array([[0, -1, 1], [0, 0, -1]]), np.full((2, 3), 0.4)
    np.testing.assert_array_equal(best_thresholds(targets, scores), [np.nan, np.nan, 0.4])
    assert np.isnan(best_thresholds(np.zeros((0, 2), int), np.zeros((0, 2)))).all()


def confident(seed: int, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities whose logits were multiplied, (400, 5); some labels unknown."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1, 2, size=(400, 5))
    targets = (generator.random(logits.shape) < expit(logits)).astype(np.int8)
    targets[generator.random(targets.shape) < 0.2] = -1
    return targets, expit(sharpness * logits)


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_temperature_has_the_lowest_log_loss(sharpness, dtype):
    targets, probabilities = confident(0, sharpness)
    probabilities = probabilities.astype(dtype)
    known = targets != -1
    t, z = targets[known], logit(np.clip(probabilities[known].astype(np.float64), 1e-7, 1 - 1e-7))
    naive = minimize_scalar(lambda log: log_loss(t, expit(z / np.exp(log))), bounds=(-4, 4), method="bounded")
    found = fit_temperature(targets, probabilities)
    assert found == pytest.approx(np.exp(naive.x), rel=1e-4)
    assert found == pytest.approx(sharpness, rel=0.15)
    step = 1e-3 * found
    losses = [log_loss(t, expit(z / temperature)) for temperature in (found - step, found, found + step)]
    assert losses[1] < losses[0] and losses[1] < losses[2]


def test_a_scaled_prediction_asks_for_no_further_scaling():
    targets, probabilities = confident(1, 3.0)
    scaled = scale(probabilities, fit_temperature(targets, probabilities))
    assert fit_temperature(targets, scaled) == pytest.approx(1, abs=1e-6)
    unknown = np.where(targets == -1, 0.999, scaled)
    assert fit_temperature(targets, unknown) == fit_temperature(targets, scaled)


def test_scaling_keeps_every_ranking_and_divides_logits():
    _, probabilities = confident(2, 1.0)
    scaled = scale(probabilities, 2.5)
    np.testing.assert_array_equal(scaled.argsort(axis=0), probabilities.argsort(axis=0))
    np.testing.assert_allclose(logit(scaled), logit(probabilities) / 2.5, atol=1e-9)
    np.testing.assert_allclose(scale(probabilities, 1.0), probabilities, atol=1e-12)
    each = np.linspace(1, 2, 400)[:, None]
    np.testing.assert_allclose(logit(scale(probabilities, each)), logit(probabilities) / each, atol=1e-9)


@pytest.mark.filterwarnings("error")
def test_temperatures_at_the_ends():
    targets = np.array([[1, 0]])
    assert fit_temperature(targets, np.array([[1.0, 0.0]])) == COLDEST  # separated: ever surer is ever better
    assert fit_temperature(targets, np.array([[0.0, 1.0]])) == HOTTEST  # the wrong way round
    assert fit_temperature(targets, np.array([[0.5, 0.5]])) == 1
    assert fit_temperature(np.array([[-1, -1]]), np.array([[0.2, np.nan]])) == 1
    assert fit_temperature(np.zeros((0, 2), int), np.zeros((0, 2))) == 1
    assert scale(np.array([1.0, 0.0]), COLDEST).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("share", "temperature", "found"),
    [(75, 1 / 140, COLDEST), (75, 1 / 70, 1 / 70), (51, 1 / 0.015, 1 / 0.015), (51, 1 / 0.007, HOTTEST)],
)
def test_a_temperature_just_beyond_an_end_is_the_end(share, temperature, found):
    """Of a hundred alike, the logit of the share of positives is the temperature's part of theirs."""
    targets = (np.arange(100) < share).astype(np.int8)[:, None]
    probabilities = np.full((100, 1), expit(logit(share / 100) * temperature))
    assert fit_temperature(targets, probabilities) == pytest.approx(found)


def test_each_half_of_the_patients_has_the_temperature_of_the_other_in_any_order():
    targets, probabilities = confident(4, 2.0)
    patients = [f"p{number // 4:03}" for number in range(400)]
    found = calibrate_on_itself(targets, probabilities, patients)
    even = np.arange(400) // 4 % 2 == 0
    for mine, other in ((even, ~even), (~even, even)):
        expected = fit_temperature(targets[other], probabilities[other])
        np.testing.assert_array_equal(found.temperature[mine], np.full((200, 1), expected))
    changed = np.where(even[:, None], np.where(targets == -1, -1, 1 - targets), targets)
    again = calibrate_on_itself(changed, probabilities, patients)
    np.testing.assert_array_equal(again.temperature[even], found.temperature[even])
    assert (again.temperature[~even] != found.temperature[~even]).all()
    np.testing.assert_array_equal(found.thresholds, best_thresholds(targets, probabilities))
    # whatever the order of the images
    patients, order = np.arange(400) // 3, np.random.default_rng(0).permutation(400)
    found = calibrate_on_itself(targets, probabilities, patients).temperature
    again = calibrate_on_itself(targets[order], probabilities[order], patients[order]).temperature
    np.testing.assert_allclose(again, found[order], rtol=1e-9)
    # one patient has no other half
    assert (calibrate_on_itself(targets, probabilities, ["p"] * 400).temperature == 1).all()


CLASSES = ["a", "b", "c"]


def test_a_calibration_is_read_as_it_was_written_and_nothing_known_says_nothing():
    calibration = Calibration(np.array([0.25, np.nan, 0.5]), 1.5)
    content = calibration.to_json(CLASSES)
    assert content == {"temperature": 1.5, "thresholds": {"a": 0.25, "b": None, "c": 0.5}}
    again = Calibration.from_json(json.loads(json.dumps(content, allow_nan=False)), CLASSES)
    np.testing.assert_array_equal(again.thresholds, calibration.thresholds)
    assert again.temperature == 1.5 and again.known
    unknown = Calibration.from_json(None, CLASSES)
    assert not unknown.known and Calibration.from_json(unknown.to_json(CLASSES), CLASSES).known is False
    assert (unknown.present(np.full((2, 3), 0.9)) == "").all()
    assert np.isnan(scale(np.full((2, 3), 0.9), unknown.temperature)).all()


def test_at_the_threshold_a_finding_is_present_in_single_precision():
    threshold = 0.1 + 1e-12  # of the float64 probabilities that it was chosen among
    calibration = Calibration(np.array([threshold, 0.5, np.nan]), 1.0)
    answers = calibration.present(np.array([[threshold, 0.49, 0.9]], np.float32))
    assert answers.tolist() == [["yes", "no", ""]]
