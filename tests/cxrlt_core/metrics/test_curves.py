import json

import numpy as np
import pytest
from naive_metrics import ece, random_set
from sklearn.metrics import average_precision_score, precision_recall_curve

from cxrlt_core.metrics.calibration import calibrate
from cxrlt_core.metrics.curves import cooccurrence, describe_curves, precision_recall, reliability
from cxrlt_core.metrics.sums import BINS


@pytest.mark.filterwarnings("error")
def test_reliability_gives_the_calibration_error_of_all_labels_and_leaves_empty_bins_undefined():
    targets, scores = random_set(0, 3)
    found = reliability(targets, scores)
    known = targets != -1
    gap = np.abs(found["score"] - found["share"]) * found["labels"]
    assert np.nansum(gap) / known.sum() == pytest.approx(ece(targets[known], scores[known]))
    assert found["labels"].sum() == known.sum() and len(found["labels"]) == BINS
    found = reliability(np.array([[1, -1]]), np.array([[0.99, 0.5]]))
    assert np.isnan(found["share"][:-1]).all() and found["share"][-1] == 1 and found["labels"][7] == 0


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_precision_and_recall_are_those_of_sklearn_where_positives_are_found(decimals):
    targets, scores = random_set(1, decimals)
    for t, s in zip(targets.T, scores.T, strict=True):
        found = precision_recall(t, s, 1000)
        precision, recall, _ = precision_recall_curve(t[t != -1], s[t != -1])
        points = {(round(r, 12), round(p, 12)) for r, p in zip(recall, precision, strict=True)}
        mine = set(zip(found["recall"].round(12), found["precision"].round(12), strict=True))
        assert mine <= points and found["recall"][-1] == 1
        area = (np.diff(found["recall"], prepend=0) * found["precision"]).sum()
        assert area == pytest.approx(average_precision_score(t[t != -1], s[t != -1]))


def test_curves_go_to_a_recall_of_one_and_long_ones_are_thinned():
    found = precision_recall(np.array([0, 1, 0]), np.array([0.9, 0.5, 0.1]), 9)
    assert found["recall"].tolist() == [1.0] and found["precision"].tolist() == [0.5]
    assert len(precision_recall(np.array([0, -1]), np.array([0.1, 0.2]), 9)["recall"]) == 0
    assert len(precision_recall(np.zeros(0, int), np.zeros(0), 9)["recall"]) == 0
    generator = np.random.default_rng(0)
    targets, scores = generator.integers(0, 2, 500), generator.random(500)
    whole, few = (precision_recall(targets, scores, points) for points in (1000, 20))
    assert len(few["recall"]) == 20 and few["recall"][-1] == 1 and few["recall"][0] == whole["recall"][0]
    assert set(few["recall"]) <= set(whole["recall"])


def test_classes_that_occur_together_are_counted_where_both_are_known():
    targets = np.array([[1, 1, -1], [1, 0, 1], [0, 1, 1], [-1, 1, 1]])
    both, known = cooccurrence(targets)
    np.testing.assert_array_equal(both, [[2, 1, 1], [1, 3, 2], [1, 2, 3]])
    np.testing.assert_array_equal(known, [[2, 2, 1], [2, 3, 2], [2, 3, 3]])


def test_curves_of_a_row_are_plain_values_of_its_tail():
    targets, scores = random_set(3, 2)
    targets[:, 5] = 0
    fits = [calibrate(targets, one) for one in (scores, scores**2)]
    groups = dict(zip("abcdef", ["tail", "head", "medium", "tail", "head", "tail"], strict=True))
    found = describe_curves(targets, [scores, scores**2], fits, "abcdef", groups)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found["precision_recall"]) == ["a", "d"]
    assert {type(count) for count in found["reliability"]["scaled"]["labels"]} == {int}
    assert sum(found["reliability"]["scaled"]["labels"]) == 2 * (targets != -1).sum()
    assert found["reliability"]["scaled"] != found["reliability"]["as predicted"]
    # 200 points at most
    targets = np.tile([[1], [1], [0]], (250, 1))
    scores = np.random.default_rng(0).random((750, 1))
    fits = [calibrate(targets, scores)]
    [curve] = describe_curves(targets, [scores], fits, "a", {"a": "tail"})["precision_recall"].values()
    assert len(curve["recall"]) == len(curve["precision"]) == 200
