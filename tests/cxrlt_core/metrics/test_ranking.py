import numpy as np
import pytest
import torch
from naive_metrics import ap_auroc, random_set

from cxrlt_core.metrics import ranking
from cxrlt_core.metrics.calibration import best_thresholds
from cxrlt_core.metrics.metric import RankMetric, metrics_of
from cxrlt_core.metrics.ranking import highest_f1, plain_ap, rank, rank_values

BOTH = [metric for metric in metrics_of(RankMetric) if metric.name in ("AP", "AUROC")]


def random_weights(images: int, resamples: int = 20) -> np.ndarray:
    return np.random.default_rng(1).poisson(1, size=(images, resamples))


def weigh(ranked: ranking.Ranking, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ap, auroc = rank_values(ranked, torch.from_numpy(weights).float(), BOTH)
    return ap.numpy(), auroc.numpy()


def test_segments_end_behind_tie_groups_with_a_positive():
    #                  0    1    2    3    4    5    6    7
    scores = np.array([0.9, 0.5, 0.5, 0.5, 0.7, 0.1, 0.5, 0.3])
    targets = np.array([1, 0, 1, -1, 0, 0, 1, 1])
    ranked = rank(targets, scores)
    order = ranked.order.tolist()  # ties in any order
    assert [order[:2], sorted(order[2:5]), order[5:]] == [[0, 4], [1, 2, 6], [7, 5]]
    assert ranked.starts.tolist() == [0, 1, 5, 6, 7]
    assert sorted(ranked.positives.tolist()) == [0, 2, 6, 7]
    assert ranked.positive_starts.tolist() == [0, 1, 3, 4]
    assert ranked.tied.tolist() == [1] and ranked.tied_starts.tolist() == [0, 0, 1, 1]
    assert ranked.scores.tolist() == [0.9, 0.5, 0.3]


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
def test_whole_weights_equal_sklearn_and_have_the_best_threshold_on_repeated_images(decimals):
    targets, scores = random_set(7, decimals)
    weights = random_weights(len(targets))
    for t, s in zip(targets.T, scores.T, strict=True):
        ranked = rank(t, s)
        (ap, auroc), limits = weigh(ranked, weights), highest_f1(ranked, torch.from_numpy(weights).float())
        for b, w in enumerate(weights.T):
            repeated = np.repeat(np.arange(len(t)), w)
            expected = ap_auroc(t[repeated], s[repeated])
            np.testing.assert_allclose((ap[b], auroc[b]), expected, atol=1e-12)
            np.testing.assert_allclose((ap[b], auroc[b]), ap_auroc(t, s, w), atol=1e-12)
            [limit] = best_thresholds(t[repeated, None], s[repeated, None])
            assert limits[b] == limit or np.isnan(limit)


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_scores_of_single_precision_of_either_sign_fall_alike(decimals):
    """They are sorted as whole numbers."""
    targets, scores = random_set(9, decimals)
    scores = np.where(scores == 1, -0.0, scores - 0.5).astype(np.float32)
    weights = random_weights(len(targets))
    for t, s in zip(targets.T, scores.T, strict=True):
        one, other = rank(t, s), rank(t, s.astype(np.float64))
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(weigh(one, weights), weigh(other, weights))


def test_all_images_of_a_patient_weigh_alike():
    targets, scores = random_set(7, 1)
    patient = np.random.default_rng(2).integers(0, 9, len(targets))
    weights = random_weights(9)
    for t, s in zip(targets.T, scores.T, strict=True):
        found = weigh(rank(t, s, patient), weights)
        np.testing.assert_allclose(found, weigh(rank(t, s), weights[patient]), atol=1e-14)


@pytest.mark.parametrize("decimals", [1, 12])
def test_classes_ranked_together_equal_sklearn_on_their_flat_labels(decimals):
    targets, scores = random_set(3, decimals)
    weights = random_weights(len(targets), resamples=5)
    ap, auroc = weigh(rank(targets, scores), weights)
    for b, w in enumerate(weights.T):
        flat = np.repeat(w, targets.shape[1])
        expected = ap_auroc(targets.ravel(), scores.ravel(), flat)
        np.testing.assert_allclose((ap[b], auroc[b]), expected, atol=1e-12)


def test_without_a_known_positive_or_negative_there_is_no_ranking_and_a_weighted_one_is_undefined():
    scores = np.array([0.1, 0.2, 0.3])
    for targets in ([0, 0, -1], [1, 1, -1], [-1, -1, -1]):
        assert rank(np.array(targets), scores) is None
    assert rank(np.zeros(0, int), np.zeros(0)) is None
    assert rank(np.zeros((0, 3), int), np.zeros((0, 3))) is None
    ranked = rank(np.array([1, 0, 0]), np.array([0.9, 0.5, 0.1]))
    ap, auroc = weigh(ranked, np.array([[0, 1, 1], [1, 0, 2], [1, 0, 0]]))
    np.testing.assert_array_equal(np.isnan(ap), [True, True, False])
    np.testing.assert_array_equal(np.isnan(auroc), [True, True, False])


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_known_score_that_is_not_finite_is_refused(score):
    for refuses in (rank, plain_ap):
        with pytest.raises(ValueError, match="finite"):
            refuses(np.array([1, 0]), np.array([score, 0.1]))
    assert rank(np.array([1, 0, -1]), np.array([0.2, 0.1, score])) is not None


@pytest.mark.parametrize(("name", "value"), [("EXACT", 0), *(("CACHED", rows * 20) for rows in (0, 2, 3, 7))])
def test_double_precision_and_blocks_of_some_groups_change_nothing(monkeypatch, name, value):
    targets, scores = (columns[:, 5] for columns in random_set(4, 2))
    weights, ranked = random_weights(len(targets)), rank(targets, scores)
    expected, best = weigh(ranked, weights), highest_f1(ranked, torch.from_numpy(weights).float())
    monkeypatch.setattr(ranking, name, value)
    assert len(ranked.scores) > 14
    np.testing.assert_allclose(weigh(ranked, weights), expected, atol=1e-14)
    np.testing.assert_array_equal(highest_f1(ranked, torch.from_numpy(weights).float()), best)


def test_single_precision_counts_as_far_as_it_is_used_and_double_what_it_cannot_hold(monkeypatch):
    """A resample holds about as many images as the set; twice as many is still exact."""
    most = np.float32(2 * ranking.EXACT)
    assert int(most - np.float32(1)) == 2 * ranking.EXACT - 1 and most + np.float32(1) == most
    # three weights of 2²³ and ones after them: only whole numbers of double precision tell them apart
    monkeypatch.setattr(ranking, "EXACT", 0)
    targets, scores = np.array([0, 1, 0, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    weights = np.array([2**23, 2**23, 2**23, 1, 1, 1])
    ap, auroc = weigh(rank(targets, scores), weights[:, None])
    assert (ap[0], auroc[0]) == pytest.approx(ap_auroc(targets, scores, weights), rel=1e-15)
