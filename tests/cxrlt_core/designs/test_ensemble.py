from dataclasses import replace

import numpy as np
import pytest

from cxrlt_core.designs import methods
from cxrlt_core.designs.bagged import bagged_weights
from cxrlt_core.designs.ensemble import (
    Ensemble,
    choice_stability,
    class_wise_weights,
    ensemble,
    model_wise_weights,
)
from cxrlt_core.designs.shrunk import shrunk_weights
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.metrics.bootstrap import every_image_once, resample_patients
from cxrlt_core.metrics.scores import CPU, resample_ranks

METHODS = methods()


def test_class_wise_picks_the_best_models_of_each_class():
    ap = np.array([[0.9, 0.1, np.nan], [0.5, 0.3, np.nan], [0.2, 0.2, np.nan]])
    np.testing.assert_array_equal(class_wise_weights(ap, 1)[:, :2], [[1, 0], [0, 1], [0, 0]])
    np.testing.assert_array_equal(class_wise_weights(ap, 2)[:, :2], [[0.5, 0], [0.5, 0.5], [0, 0.5]])
    np.testing.assert_allclose(class_wise_weights(ap, 1)[:, 2], 1 / 3)
    np.testing.assert_allclose(class_wise_weights(ap, 9), model_wise_weights(3, 3))
    ties = class_wise_weights(np.full((3, 1), 0.5), 1)
    np.testing.assert_array_equal(ties, [[1], [0], [0]])  # to the earlier model


def test_an_ensemble_is_the_mean_of_the_models_that_are_chosen():
    generator = np.random.default_rng(1)
    probabilities, ap = generator.random((4, 6, 3)).astype(np.float32), generator.random((4, 3))
    everyone = ensemble(probabilities, model_wise_weights(4, 3))
    np.testing.assert_allclose(everyone, probabilities.mean(0, dtype=np.float64), rtol=1e-6)
    averaged = ensemble(probabilities, class_wise_weights(ap, 2))
    for c in range(3):
        best = np.argsort(-ap[:, c])[:2]
        np.testing.assert_allclose(averaged[:, c], probabilities[best, :, c].mean(0), rtol=1e-6)


def test_bagging_counts_how_often_a_model_is_chosen():
    generator = np.random.default_rng(3)
    ap = generator.random((4, 50, 3))
    ap[:, 7, 0] = np.nan  # a resample without a positive
    ap[:, :, 2] = np.nan  # a class without any
    expected = np.zeros((4, 3))
    for c in range(2):
        chosen = [np.argsort(-ap[:, b, c])[:2] for b in range(50) if np.isfinite(ap[0, b, c])]
        for models in chosen:
            expected[models, c] += 0.5 / len(chosen)
    expected[:, 2] = 0.25
    np.testing.assert_allclose(bagged_weights(ap, 2), expected)
    np.testing.assert_allclose(bagged_weights(ap, 2).sum(axis=0), 1)


def test_shrinking_follows_the_positives_and_stability_is_the_share_that_is_chosen_again():
    chosen = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    weights = shrunk_weights(chosen, np.array([0, 20, 10**9]), prior=20)
    np.testing.assert_allclose(weights, [[0.5, 0.75, 1], [0.5, 0.25, 0]], atol=1e-6)
    chosen = class_wise_weights(np.array([[0.9], [0.8], [0.1]]), 2)
    ap = np.array([[[0.9], [0.9]], [[0.8], [0.1]], [[0.1], [0.8]]])  # the second resample drops model 1
    assert choice_stability(chosen, bagged_weights(ap, 2)) == pytest.approx([0.75])
    assert choice_stability(chosen, bagged_weights(ap[:, :1], 2)) == pytest.approx([1])


@pytest.fixture
def choice() -> Choice:
    generator = np.random.default_rng(4)
    targets = generator.integers(0, 2, size=(90, 3))
    targets[:, 2] = -1
    targets[:10, 2] = np.arange(10) % 2
    models = generator.random((5, 90, 3)) + 0.3 * generator.random((5, 1, 3)) * targets
    draws = resample_patients(np.arange(90) // 2, 200, seed=0)
    return Choice.of(targets, models, draws, Ensemble(members=None, top_k=2, prior_positives=5.0), CPU)


def test_every_method_weighs_the_models(choice):
    weights = {method: choice.weights(method) for method in METHODS}
    for by_class in weights.values():
        np.testing.assert_allclose(by_class.sum(axis=0), 1)
    assert (weights["model_wise"] == 0.2).all()
    np.testing.assert_array_equal((weights["class_wise"] > 0).sum(axis=0), 2)
    np.testing.assert_allclose(weights["shrunk"][:, 2], (weights["class_wise"][:, 2] + 0.2) / 2)
    ap = np.stack([resample_ranks(choice.targets, m, choice.draws)["AP"] for m in choice.predictions])
    np.testing.assert_array_equal(weights["bagged"], bagged_weights(ap, 2))
    assert (choice.stability > 0.4).all() and (choice.stability < 1).all()
    assert METHODS == ["ap_weighted", "bagged", "class_wise", "greedy", "model_wise", "shrunk"]


def test_bagging_the_set_itself_is_the_published_choice(choice):
    same = Choice.of(choice.targets, choice.predictions, every_image_once(90), choice.settings, CPU)
    np.testing.assert_allclose(same.weights("bagged"), same.weights("class_wise"))
    for method in METHODS:
        np.testing.assert_allclose(same.repeated_weights(method, 1)[:, 0], same.weights(method))
    spread = {m: choice.repeated_weights(m, 100)[:, :, :2].std(axis=1).mean() for m in METHODS}
    assert spread["model_wise"] == pytest.approx(0) and 0 < spread["bagged"] < 0.8 * spread["class_wise"]


def test_a_choice_is_repeated_where_resamples_move_the_models(choice):
    found = {method: choice.repeated_weights(method, 40) for method in METHODS}
    moved = choice.resampled_ap - np.nanmean(choice.resampled_ap, axis=1, keepdims=True)
    expected = class_wise_weights(choice.ap[:, None] + moved, 2)[:, :40]
    np.testing.assert_array_equal(found["class_wise"], expected)
    assert (found["model_wise"] == 0.2).all()
    bagged = bagged_weights(choice.resampled_ap + moved[:, [7]], 2)
    np.testing.assert_allclose(found["bagged"][:, 7], bagged)
    drawn = np.repeat(np.arange(90), choice.draws.counts[choice.draws.patient, 7])
    positives = (choice.targets[drawn] == 1).sum(axis=0)
    np.testing.assert_allclose(found["shrunk"][:, 7], shrunk_weights(expected[:, 7], positives, 5.0))


def test_among_keeps_what_is_known_of_some_models_and_each_resample_chooses_as_many(choice):
    some, kept = choice.among([True, False, True, False, True]), [0, 2, 4]
    for name in ("predictions", "ap", "resampled_ap"):
        np.testing.assert_array_equal(getattr(some, name), getattr(choice, name)[kept])
    assert some.targets is choice.targets and some.settings is choice.settings
    np.testing.assert_allclose(choice.chosen_again.sum(axis=0), 2)
    np.testing.assert_allclose(choice.among([True] + 4 * [False]).chosen_again, 1)


def test_a_recombined_choice_knows_each_model_by_the_seed_that_it_has(choice):
    other = replace(choice, ap=choice.ap[::-1], resampled_ap=choice.resampled_ap[::-1])
    by_model = [choice, other, other, choice, choice]
    ap = np.stack([seed.ap[m] for m, seed in enumerate(by_model)])
    resampled = np.stack([seed.resampled_ap[m] for m, seed in enumerate(by_model)])
    assert (ap != choice.ap).any()
    expected = {"class_wise": class_wise_weights(ap, 2), "bagged": bagged_weights(resampled, 2)}
    for method, weights in expected.items():
        np.testing.assert_array_equal(choice.recombined_weights(method, by_model), weights)
