import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from cxrlt_core.designs.ensemble import DevelopmentScores, Ensemble
from cxrlt_core.designs.greedy import best_bag, combine
from cxrlt_core.evidence.bags import Bags
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import CPU

SETTINGS = Ensemble(members=None, top_k=6, prior_positives=20)


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    """Labels of 60 images, some unknown, none of the last class; and five models that know a part each."""
    generator = np.random.default_rng(1)
    targets = generator.integers(-1, 2, size=(60, 4))
    targets[:, 3] = 0
    models = generator.random((5, 60, 4)) + 0.6 * (targets == 1) * (generator.random((5, 60, 4)) < 0.5)
    return targets, models.astype(np.float32)


def naive(target: np.ndarray, models: np.ndarray, steps: int) -> tuple[list[float], float]:
    """Caruana's loop over one class: running sums, and the weights of the best mean on the way."""
    known = target != -1
    counts, best, weights = np.zeros(len(models)), -1.0, []
    for step in range(steps):
        scores = []
        for m in range(len(models)):
            mean = ((counts @ models + models[m]) / (step + 1)).astype(np.float32)
            scores.append(average_precision_score(target[known] == 1, mean[known]))
        counts[int(np.argmax(scores))] += 1
        if max(scores) > best + 1e-12:
            best, weights = max(scores), list(counts / counts.sum())
    return weights, best


def test_it_is_the_papers_loop_class_by_class(data):
    targets, models = data
    choice = Choice.of(targets, models, resample_patients(np.arange(60), 100, seed=0), SETTINGS, CPU)
    weights, bags = choice.weights("greedy"), Bags(targets, models, choice.draws)
    for c in range(3):
        expected, best = naive(targets[:, c], models[:, :, c], SETTINGS.top_k)
        np.testing.assert_allclose(weights[:, c], expected)
        assert best > choice.ap[:, c].max()  # a mean is better than each model here
        picked = best_bag(5, SETTINGS.top_k, lambda bag, c=c: bags.ap(c, bag))
        assert bags.ap(c, picked) == pytest.approx(best)
    assert (weights[:, 3] == 0.2).all()
    several = weights[:, :3] * SETTINGS.top_k
    assert (several.max(axis=0) > 1).any()  # with replacement
    found = choice.repeated_weights("greedy", 20)
    np.testing.assert_allclose(found.sum(axis=0), 1)
    assert (found[:, :, :3].std(axis=1).max(axis=0) > 0).all()
    np.testing.assert_array_equal(choice.recombined_weights("greedy", [choice] * 5), weights)


def test_ties_go_to_the_earlier_model_and_the_smaller_bag():
    scores = DevelopmentScores(np.full((3, 1), 0.5), np.full((3, 2, 1), 0.5), np.ones(1), lambda c, bag: 0.5)
    np.testing.assert_array_equal(combine(SETTINGS, scores), [[1], [0], [0]])


def test_a_resample_moves_a_mean_as_it_moves_a_model(data):
    targets, models = data
    draws = resample_patients(np.arange(60) // 2, 30, seed=0)
    bags = Bags(targets, models, draws)
    moved = []
    for b in range(30):
        images = np.repeat(np.arange(60), draws.counts[draws.patient, b])
        known = images[targets[images, 0] != -1]
        mean = (2 * models[1, :, 0].astype(float) + models[4, :, 0]) / 3
        moved.append(average_precision_score(targets[known, 0] == 1, mean.astype(np.float32)[known]))
    np.testing.assert_allclose(bags.moves(0, (1, 1, 4)), np.array(moved) - np.mean(moved), atol=1e-9)
    assert (bags.moves(3, (0,)) == 0).all() and np.isnan(bags.ap(3, (0,)))
