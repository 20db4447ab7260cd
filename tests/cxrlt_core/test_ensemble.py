import numpy as np

from cxrlt_core.ensemble import class_wise_weights, ensemble, model_wise_weights
from cxrlt_core.metrics import average_precision


def test_model_wise_is_the_mean_of_all_models():
    probabilities = np.random.default_rng(0).random((3, 5, 2)).astype(np.float32)
    averaged = ensemble(probabilities, model_wise_weights(3, 2))
    np.testing.assert_allclose(averaged, probabilities.mean(0, dtype=np.float64), rtol=1e-6)


def test_class_wise_picks_the_best_models_of_each_class():
    ap = np.array([[0.9, 0.1, np.nan], [0.5, 0.3, np.nan], [0.2, 0.2, np.nan]])
    np.testing.assert_array_equal(class_wise_weights(ap, 1)[:, :2], [[1, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(class_wise_weights(ap, 2)[:, :2], [[0.5, 0], [0.5, 0.5], [0, 0.5]])
    np.testing.assert_allclose(class_wise_weights(ap, 1)[:, 2], 1 / 3)


def test_ties_go_to_the_earlier_model():
    np.testing.assert_array_equal(class_wise_weights(np.full((3, 1), 0.5), 1), [[1], [0], [0]])


def test_more_than_all_models_is_all_models():
    ap = np.random.default_rng(0).random((3, 4))
    np.testing.assert_allclose(class_wise_weights(ap, 9), model_wise_weights(3, 4))


def test_weights_sum_to_one_and_naive_average_agrees():
    generator = np.random.default_rng(1)
    probabilities, ap = generator.random((4, 6, 3)), generator.random((4, 3))
    weights = class_wise_weights(ap, 2)
    np.testing.assert_allclose(weights.sum(0), 1)
    averaged = ensemble(probabilities, weights)
    for c in range(3):
        best = np.argsort(-ap[:, c])[:2]
        np.testing.assert_allclose(averaged[:, c], probabilities[best, :, c].mean(0))


def test_class_wise_beats_model_wise_where_each_model_knows_one_class():
    generator = np.random.default_rng(2)
    targets = generator.integers(0, 2, size=(400, 2))
    noise = generator.random((2, 400, 2))
    models = noise.copy()
    models[0, :, 0] = 0.2 * noise[0, :, 0] + 0.8 * targets[:, 0]
    models[1, :, 1] = 0.2 * noise[1, :, 1] + 0.8 * targets[:, 1]
    development = np.stack([average_precision(targets, m) for m in models])
    chosen = ensemble(models, class_wise_weights(development, 1))
    np.testing.assert_allclose(average_precision(targets, chosen), 1)
    assert (average_precision(targets, ensemble(models, model_wise_weights(2, 2))) < 0.999).all()
