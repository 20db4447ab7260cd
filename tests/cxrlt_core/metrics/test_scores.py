import json

import numpy as np
import pytest
from naive_metrics import NAMES, all_metrics, ap_auroc, random_set

from cxrlt_core.metrics import bootstrap, ranking
from cxrlt_core.metrics.bootstrap import every_image_once, resample_patients
from cxrlt_core.metrics.calibration import Calibration, best_thresholds, scale
from cxrlt_core.metrics.metric import mean_over_classes, means, metrics
from cxrlt_core.metrics.scores import (
    auroc,
    average_precision,
    describe_scores,
    point_metrics,
    resample,
    resample_ranks,
)

CLASSES = ["u", "v", "w", "x", "y", "z"]
OF_CLASSES = [metric.name for metric in metrics() if not metric.pooled]
PLAIN = Calibration(np.full(6, 0.5), 1.0)
GROUPS = dict(zip(CLASSES, ["head", "medium", "tail", "tail", "head", "tail"], strict=True))
B = 12


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_metrics_equal_sklearn_under_ties_and_unknown_labels(decimals, dtype):
    targets, scores = random_set(decimals, decimals)
    scores = scores.astype(dtype)
    expected = np.array([ap_auroc(t, s) for t, s in zip(targets.T, scores.T, strict=True)])
    np.testing.assert_allclose(average_precision(targets, scores), expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(auroc(targets, scores), expected[:, 1], atol=1e-12)


def test_scores_of_unknown_labels_do_not_matter():
    targets, scores = random_set(1, 2)
    other = np.where(targets == -1, np.nan, scores)
    resamples = every_image_once(len(targets))
    found = resample(targets, other, PLAIN, resamples)
    for metric, values in resample(targets, scores, PLAIN, resamples).items():
        np.testing.assert_array_equal(found[metric], values)


@pytest.mark.filterwarnings("error")
def test_classes_without_positives_or_negatives_or_known_labels_are_undefined():
    targets = np.array([[0, 1, -1, 1], [0, 1, -1, 0], [0, -1, -1, -1]])
    scores = np.random.default_rng(0).random((3, 4))
    found = resample(targets, scores, Calibration(np.full(4, 0.5), 1.0), every_image_once(3))
    for metric in OF_CLASSES:
        np.testing.assert_array_equal(np.isnan(found[metric][0]), [True, True, True, False])
    for metric in (average_precision, auroc):
        np.testing.assert_array_equal(np.isnan(metric(targets, scores)), [True, True, True, False])


@pytest.mark.parametrize("resamples", [every_image_once(0), resample_patients([], 1, seed=0)])
def test_every_metric_of_no_image_is_undefined(resamples):
    found = resample(np.zeros((0, 2), int), np.zeros((0, 2)), Calibration(np.full(2, 0.5), 1.0), resamples)
    assert all(np.isnan(values).all() and len(values) == 1 for values in found.values())
    assert set(found) == {metric.name for metric in metrics()}


@pytest.mark.parametrize(
    ("targets", "scores", "ap", "area"),
    [
        ([1, 1, 0, 0], [4, 3, 2, 1], 1, 1),
        ([1, 1, 0, 0], [1, 2, 3, 4], (1 / 3 + 2 / 4) / 2, 0),
        ([1, 0, 0, -1, 0], [0.3] * 5, 0.25, 0.5),  # all tied: the prevalence
        ([1], [0.5], np.nan, np.nan),
        ([], [], np.nan, np.nan),
    ],
)
def test_rankings_by_hand(targets, scores, ap, area):
    columns = np.array(targets, int)[:, None], np.array(scores, float)[:, None]
    assert average_precision(*columns) == pytest.approx(ap, nan_ok=True)
    assert auroc(*columns) == pytest.approx(area, nan_ok=True)


@pytest.mark.parametrize("shape", [(3, 1), (2, 2), (3,)])
def test_arrays_of_different_shape_and_scores_that_are_not_finite_are_refused(shape):
    with pytest.raises(ValueError, match=r"\(3, 2\) and \(" + str(shape)[1:-1]):
        auroc(np.zeros((3, 2), int), np.zeros(shape))
    with pytest.raises(ValueError, match="two"):
        auroc(np.zeros(3, int), np.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        average_precision(np.array([[1], [0]]), np.array([[np.nan], [0.1]]))


@pytest.fixture(scope="module")
def case() -> tuple:
    """A small set with ties, unknown labels, classes without positives or negatives, and a rare class."""
    targets, scores = random_set(6, 1, n=90)
    targets[:, 0] = np.where(targets[:, 0] == -1, -1, 0)
    targets[:, 4] = np.abs(targets[:, 4])
    targets[:, 1] = np.where(np.arange(90) < 2, 1, targets[:, 0])
    limits = best_thresholds(*random_set(8, 1, n=90))
    limits[5] = np.nan
    resamples = resample_patients(np.random.default_rng(2).integers(0, 30, size=90), B, seed=5)
    return targets, scores, Calibration(limits, 0.5 + np.random.default_rng(3).random((90, 1))), resamples


@pytest.fixture(scope="module")
def naive(case) -> dict[str, np.ndarray]:
    """The same by repeated rows and scikit-learn."""
    targets, scores, calibration, resamples = case
    limits, temperature = calibration.thresholds, calibration.temperature[:, 0]
    found = {metric: np.full((B, 6), np.nan) for metric in NAMES} | {"micro_AP": np.full(B, np.nan)}
    for b in range(B):
        rows = np.repeat(np.arange(90), resamples.counts[resamples.patient, b])
        for c in range(6):
            its = all_metrics(targets[rows, c], scores[rows, c], limits[c], temperature[rows])
            for metric, value in its.items():
                found[metric][b, c] = value
        pooled = targets[rows, 1:].ravel(), scores[rows, 1:].ravel()
        found["micro_AP"][b] = ap_auroc(*pooled)[0]
    undefined = np.isnan(found["AP"])  # of some classes in some resamples
    assert undefined[:, 0].all() and undefined[:, 1].any() and not undefined[:, 1:].all()
    return found


@pytest.mark.parametrize("metric", [*NAMES, "micro_AP"])
def test_resamples_equal_a_naive_loop_over_repeated_rows(case, naive, metric):
    found = resample(*case)[metric]
    assert found.shape == naive[metric].shape and np.isfinite(found).any()
    np.testing.assert_allclose(found, naive[metric], atol=1e-9)


def test_means_equal_a_naive_loop(case):
    targets, scores, calibration, _ = case
    summary, per_class = point_metrics(targets, scores, calibration, CLASSES, GROUPS)
    assert list(summary) == [mean.name for mean in means()] and list(per_class) == OF_CLASSES
    for mean in means():
        if not mean.metric.pooled:
            chosen = [mean.group in (None, GROUPS[name]) for name in CLASSES]
            assert summary[mean.name] == pytest.approx(np.nanmean(per_class[mean.metric.name][chosen]))


@pytest.mark.parametrize(("place", "name"), [(bootstrap, "AT_ONCE"), (ranking, "CACHED"), (ranking, "EXACT")])
def test_parts_and_precision_do_not_change_a_result(case, monkeypatch, place, name):
    expected = resample(*case)
    monkeypatch.setattr(place, name, {"cpu": 0} if name == "AT_ONCE" else 0)
    for metric, values in resample(*case).items():
        np.testing.assert_allclose(values, expected[metric], atol=1e-12)


def test_ranks_alone_are_those_of_the_whole(case):
    targets, scores, calibration, resamples = case
    whole = resample(targets, scores, calibration, resamples)
    for metric, values in resample_ranks(targets, scores, resamples).items():
        np.testing.assert_array_equal(values, whole[metric])


@pytest.mark.filterwarnings("error")
def test_pooled_classes_are_those_defined_in_the_set_and_means_leave_out_undefined_ones():
    """The second class has no positive: so its scores rival none. The third has no negative."""
    targets, scores = np.array([[1, 0, 1], [0, 0, 1]]), np.array([[0.6, 0.9, 0.1], [0.5, 0.9, 0.1]])
    plain = Calibration(np.full(3, 0.5), 1.0)
    assert resample(targets, scores, plain, every_image_once(2))["micro_AP"] == 1
    samples = np.array([[0.2, np.nan, 0.4], [np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(mean_over_classes(samples), [0.3, np.nan])
    np.testing.assert_allclose(mean_over_classes(samples, np.array([True, True, False])), [0.2, np.nan])
    assert np.isnan(mean_over_classes(np.array([])))


def test_summary_and_description():
    targets = np.array([[1, 1, 0], [0, -1, 0], [-1, 0, 0]])
    scores = np.array([[0.9, 0.2, 0.1], [0.1, 0.5, 0.1], [0.1, 0.8, 0.1]])
    groups = {"x": "head", "y": "tail", "z": "tail"}
    fit = Calibration(np.array([0.5, 0.5, np.nan]), 2.0)
    summary, per_class = point_metrics(targets, scores, fit, list(groups), groups)
    assert all(type(value) is float for value in summary.values())
    assert (summary["mAP"], summary["mAP_head"], summary["mAP_tail"]) == (0.75, 1.0, 0.5)
    assert np.isnan(summary["mAP_medium"]) and summary["mAUROC"] == 0.5 and summary["F1"] == 0.5
    assert summary["micro_AP"] == pytest.approx((1 + 2 / 3) / 2)

    described = describe_scores(targets, per_class, list(groups), groups)
    scaled = scale(np.array(0.8), 2.0)
    y = {
        "AP": 0.5, "AUROC": 0, "F1": 0, "F1_half": 0, "NLL": -np.log(0.2), "NLL_scaled": -np.log(1 - scaled),
        "ECE": 0.8, "ECE_scaled": scaled, "Brier": 0.64, "positive": 1, "known": 2, "group": "tail",
    }  # fmt: skip
    assert {name: described["y"][name] for name in y} == pytest.approx(y)
    assert [described["z"][metric] for metric in OF_CLASSES] == [None] * len(OF_CLASSES)
    assert described["z"]["known"] == 3 and json.dumps(described, allow_nan=False)
