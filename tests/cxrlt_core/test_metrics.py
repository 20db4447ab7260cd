import warnings

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrlt_core.metrics import auroc, average_precision, mean_defined, rank, summarise, weighted_metrics


def reference(targets: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> tuple:
    """AP and AUROC of one class by scikit-learn on the known labels; NaN where one of the two is absent."""
    weights = np.ones(len(targets)) if weights is None else weights
    keep = (targets != -1) & (weights > 0)
    if len(np.unique(targets[keep])) < 2:
        return np.nan, np.nan
    arguments = (targets[keep], scores[keep])
    return (
        average_precision_score(*arguments, sample_weight=weights[keep]),
        roc_auc_score(*arguments, sample_weight=weights[keep]),
    )


def random_set(seed: int, decimals: int, n: int = 300, classes: int = 6) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    targets = (generator.random((n, classes)) < np.linspace(0.02, 0.7, classes)).astype(np.int8)
    scores = generator.random((n, classes)) * 0.7 + 0.3 * targets
    targets[generator.random(targets.shape) < 0.2] = -1
    return targets, np.round(scores, decimals)


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
@pytest.mark.parametrize("seed", range(3))
def test_both_metrics_equal_sklearn_under_ties_and_unknown_labels(seed, decimals):
    targets, scores = random_set(seed, decimals)
    expected = np.array([reference(t, s) for t, s in zip(targets.T, scores.T, strict=True)])
    np.testing.assert_allclose(average_precision(targets, scores), expected[:, 0], atol=1e-12)
    np.testing.assert_allclose(auroc(targets, scores), expected[:, 1], atol=1e-12)


def test_float32_scores_equal_sklearn():
    targets, scores = random_set(5, 3)
    scores = scores.astype(np.float32)
    expected = [reference(t, s)[0] for t, s in zip(targets.T, scores.T, strict=True)]
    np.testing.assert_allclose(average_precision(targets, scores), expected, atol=1e-12)


def test_scores_of_unknown_labels_do_not_matter():
    targets, scores = random_set(1, 2)
    other = np.where(targets == -1, np.nan, scores)
    np.testing.assert_array_equal(average_precision(targets, scores), average_precision(targets, other))


def test_classes_without_positives_or_negatives_or_known_labels_are_undefined():
    targets = np.array([[0, 1, -1, 1], [0, 1, -1, 0], [0, -1, -1, -1]])
    scores = np.random.default_rng(0).random((3, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for metric in (average_precision, auroc):
            values = metric(targets, scores)
            assert np.isnan(values[:3]).all() and np.isfinite(values[3])


def test_one_image_and_no_image_are_undefined():
    assert np.isnan(average_precision(np.array([[1, 0]]), np.array([[0.5, 0.5]]))).all()
    assert np.isnan(auroc(np.zeros((0, 2), int), np.zeros((0, 2)))).all()


def test_constant_scores_give_prevalence_and_one_half():
    targets = np.array([[1], [0], [0], [-1], [0]])
    scores = np.full((5, 1), 0.3)
    assert average_precision(targets, scores) == pytest.approx(0.25)
    assert auroc(targets, scores) == pytest.approx(0.5)


def test_perfect_and_inverted_rankings():
    targets, scores = np.array([[1], [1], [0], [0]]), np.array([[4.0], [3], [2], [1]])
    assert average_precision(targets, scores) == 1 and auroc(targets, scores) == 1
    assert auroc(targets, -scores) == 0
    assert average_precision(targets, -scores) == pytest.approx((1 / 3 + 2 / 4) / 2)


@pytest.mark.parametrize("decimals", [0, 1, 2, 12])
def test_integer_weights_equal_sklearn_on_repeated_images(decimals):
    targets, scores = random_set(7, decimals)
    weights = np.random.default_rng(1).poisson(1, size=(len(targets), 20)).astype(np.uint8)
    for t, s in zip(targets.T, scores.T, strict=True):
        ap, auc = weighted_metrics(rank(t, s), weights)
        for b in range(weights.shape[1]):
            repeated = np.repeat(np.arange(len(t)), weights[:, b])
            expected = reference(t[repeated], s[repeated])
            np.testing.assert_allclose((ap[b], auc[b]), expected, atol=1e-9)
            np.testing.assert_allclose((ap[b], auc[b]), reference(t, s, weights[:, b]), atol=1e-9)


def test_weights_that_drop_all_positives_or_negatives_are_undefined():
    ranking = rank(np.array([1, 0, 0]), np.array([0.9, 0.5, 0.1]))
    ap, auc = weighted_metrics(ranking, np.array([[0, 1, 1], [1, 0, 2], [1, 0, 0]], np.uint8))
    np.testing.assert_array_equal(np.isnan(ap), [True, True, False])
    np.testing.assert_array_equal(np.isnan(auc), [True, True, False])


def test_a_score_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="finite"):
        average_precision(np.array([[1], [0]]), np.array([[np.nan], [0.1]]))


def test_arrays_of_different_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 2\) and \(3, 1\)"):
        auroc(np.zeros((3, 2), int), np.zeros((3, 1)))


def test_means_leave_out_undefined_classes():
    assert mean_defined(np.array([0.2, np.nan, 0.4])) == pytest.approx(0.3)
    assert np.isnan(mean_defined(np.array([np.nan])))


def test_summary_counts_and_groups():
    targets = np.array([[1, 1, 0], [0, -1, 0], [-1, 0, 0]])
    scores = np.array([[0.9, 0.2, 0.1], [0.1, 0.5, 0.1], [0.1, 0.8, 0.1]])
    groups = {"x": "head", "y": "tail", "z": "tail"}
    summary = summarise(targets, scores, ["x", "y", "z"], groups)
    assert summary["classes"]["y"] == {"AP": 0.5, "AUROC": 0.0, "positive": 1, "known": 2, "group": "tail"}
    assert summary["classes"]["z"]["AP"] is None
    assert (summary["mAP"], summary["mAP_head"], summary["mAP_tail"]) == (0.75, 1.0, 0.5)
    assert summary["mAP_medium"] is None and summary["mAUROC"] == 0.5 and summary["images"] == 3
