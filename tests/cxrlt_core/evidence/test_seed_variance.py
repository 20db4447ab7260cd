from itertools import combinations

import numpy as np
import pytest

from cxrlt_core.evidence.estimator import SeedVariance, pooled
from cxrlt_core.evidence.seed_variance import (
    PooledSeedVariance,
    RecombinedSeedVariance,
    main_effects,
    orthogonal_array,
    within,
)

ROWS = {"a": ("a", False), "a+tta": ("a", True), "b+tta": ("b", True), "c": ("c", False)}
NAMES = ["a", "b", "c", "d", "e"]


@pytest.fixture
def noise() -> PooledSeedVariance:
    return PooledSeedVariance(ROWS, NAMES, {"mAP": np.random.default_rng(0).normal(size=(2, 5, 3))})


def test_the_variance_of_trainings_is_that_of_the_page_and_blind_to_their_levels():
    values = np.random.default_rng(0).normal(size=(7, 3))
    naive = sum((x - values[v].mean()) ** 2 for (v, _), x in np.ndenumerate(values)) / 14
    assert within(values).variance == pytest.approx(naive) and within(values).dof == 14
    assert within(values + np.arange(7)[:, None]).variance == pytest.approx(naive)
    assert within(values[:0]) == SeedVariance(0.0, 0)


def test_trainings_are_pooled_as_the_rows_are_scored(noise):
    points = np.array([0.1, 0.3, 0.2])
    plain, tta = noise.trainings["mAP"]

    def others(values, *own):
        return within(values[[name not in own for name in NAMES]])

    assert noise.of({"c": 1.0, "a": -1.0}, "mAP", points) == pooled(points, others(plain, "a", "c"), 2.0)
    found = noise.of({"b+tta": 1.0, "a+tta": -1.0}, "mAP", points)
    assert found == pooled(points, others(tta, "a", "b"), 2.0)
    assert noise.of({"a+tta": 1.0}, "mAP", points) == pooled(points, others(tta, "a"), 1.0)
    one_cancels = {"a+tta": 1.0, "a": -1.0, "b+tta": 1.0, "c": -1.0}
    assert noise.of(one_cancels, "mAP", points) == pooled(points, others(plain, "a", "b", "c"), 2.0)
    # with and without TTA share their trainings, whose noise is not in the difference
    found = noise.of({"a+tta": 1.0, "a": -1.0}, "mAP", points)
    assert found == pooled(points, others(tta - plain, "a"), 1.0)
    same = PooledSeedVariance(ROWS, NAMES, {"mAP": np.stack([plain, plain + 0.01])})
    assert same.of({"a+tta": 1.0, "a": -1.0}, "mAP", np.full(3, 0.01)).variance == pytest.approx(0)
    # one seed has no noise, and other metrics have their own
    assert noise.of({"a": 1.0}, "mAP", np.array([0.1])) is None
    assert noise.of({"a": 1.0}, "F1", points) == SeedVariance(points.var(ddof=1), 2)
    ensembles = RecombinedSeedVariance(orthogonal_array(3, 3), {"a": {}})
    assert ensembles.of({"a": 1.0}, "F1", points) == SeedVariance(points.var(ddof=1), 2)
    assert ensembles.of({"a": 1.0}, "F1", points[:1]) is None
    partly = RecombinedSeedVariance(orthogonal_array(3, 3), {"a": {"mAP": np.zeros(9)}, "b": {}})
    assert partly.of({"a": 1.0, "b": -1.0}, "mAP", points) == SeedVariance(points.var(ddof=1), 2)


@pytest.mark.parametrize(
    ("members", "seeds", "runs"),
    [(10, 1, 0), (1, 2, 2), (3, 2, 4), (10, 2, 16), (4, 3, 9), (10, 3, 27), (13, 5, 27), (14, 4, 81)],
)
def test_every_two_members_meet_with_every_pair_of_seeds_equally_often(members, seeds, runs):
    """In as few runs as there can be."""
    array, levels = orthogonal_array(members, seeds), min(seeds, 3)
    assert array.shape == (runs, members)
    for one, other in combinations(array.T, 2):
        counts = np.bincount(levels * one + other, minlength=levels**2)
        assert (counts == len(array) / levels**2).all()
    for column in array.T:
        assert (np.bincount(column) == len(array) / levels).all()


def test_effects_of_members_add_up():
    effects = np.random.default_rng(0).normal(size=(10, 3)) * np.arange(1, 11)[:, None]
    array = orthogonal_array(10, 3)
    values = sum(effects[member][array[:, member]] for member in range(10))
    found = main_effects(array, values)
    assert found.variance == pytest.approx(effects.var(axis=1, ddof=1).sum())
    assert 2 < found.dof < 20
    alone = main_effects(array, effects[4][array[:, 4]])
    assert alone.variance == pytest.approx(effects[4].var(ddof=1)) and alone.dof == pytest.approx(2)
    # members that do nothing leave the freedom of the seeds
    assert main_effects(orthogonal_array(4, 3), np.full(9, 0.3)) == SeedVariance(0.0, 2)


def test_recombined_variance_is_right_on_average_and_steadier_than_that_of_the_seeds():
    generator, array = np.random.default_rng(1), orthogonal_array(10, 3)
    recombined, plain = [], []
    for _ in range(500):
        effects = generator.normal(size=(10, 3))
        recombined.append(main_effects(array, effects[np.arange(10), array].sum(axis=1)).variance)
        plain.append(effects.sum(axis=0).var(ddof=1))
    assert np.mean(recombined) == pytest.approx(10, rel=0.03)
    assert np.std(recombined) < 0.5 * np.std(plain)


def test_a_difference_of_ensembles_takes_the_same_runs():
    array, generator = orthogonal_array(4, 3), np.random.default_rng(2)
    runs = {"a": {"mAP": generator.normal(size=len(array))}, "b": {"mAP": generator.normal(size=len(array))}}
    found = RecombinedSeedVariance(array, runs).of({"b": 1.0, "a": -1.0}, "mAP", np.zeros(3))
    assert found == main_effects(array, runs["b"]["mAP"] - runs["a"]["mAP"])
