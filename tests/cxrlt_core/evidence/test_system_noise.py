import numpy as np
import pytest

from cxrlt_core.evidence.estimator import Sampled, SeedVariance, estimate
from cxrlt_core.evidence.seed_variance import PooledSeedVariance, within
from cxrlt_core.evidence.system_noise import estimate_difference, estimate_system, shown_by

NOTHING = SeedVariance(0.0, 0)


def sampled(points, deviations) -> Sampled:
    points = np.asarray(points, float)
    return Sampled(points, np.asarray(deviations, float), np.zeros(len(points)))


def draw(generator, seeds, training=1.0, patients=1.0, by_seed=0.5, resamples=200):
    """Two systems of no difference; patients are what they do to all seeds of one."""
    shared = [generator.normal(size=resamples + 1) * patients for _ in seeds]
    systems = []
    for number, both in zip(seeds, shared, strict=True):
        own = both + by_seed * generator.normal(size=(number, resamples + 1))
        noise = training * generator.normal(size=number)
        systems.append(sampled(own[:, 0] + noise, own[:, 1:]))
    return systems


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_equal_numbers_of_seeds_and_a_pool_are_judged_as_rows_of_a_study(seeds):
    system, reference = draw(np.random.default_rng(seeds), (seeds, seeds))
    trainings = np.random.default_rng(1).normal(size=(9, seeds))
    rows = {"a": ("x", False), "b": ("y", False)}
    model = PooledSeedVariance(rows, [*"defghijkl"], {"mAP": np.array([trainings, trainings])})
    difference = system + -1.0 * reference
    expected = estimate(difference, model.of({"a": 1.0, "b": -1.0}, "mAP", difference.points))
    assert estimate_difference(system, reference, shown_by(list(trainings))) == expected
    alone = estimate(system, model.of({"a": 1.0}, "mAP", system.points))
    assert estimate_system(system, shown_by(list(trainings))) == alone


@pytest.mark.parametrize("seeds", [(5, 3), (3, 3)])
def test_without_a_pool_trainings_are_welch_beside_the_noise_of_the_shared_patients(seeds):
    system, reference = draw(np.random.default_rng(0), seeds)
    found = estimate_difference(system, reference, NOTHING)
    mean = system.deviations.mean(axis=0) - reference.deviations.mean(axis=0)
    squared, shares = mean.var(ddof=1), []
    for each in (system, reference):
        number, within = len(each.points), each.deviations.var(axis=1, ddof=1).mean()
        by_seed = (within - each.deviations.mean(axis=0).var(ddof=1)) * number / (number - 1)
        squared += max(0, each.points.var(ddof=1) - by_seed) / number
        shares.append(each.points.var(ddof=1) / number)
    welch = sum(shares) ** 2 / sum(s**2 / (n - 1) for s, n in zip(shares, seeds, strict=True))
    assert found.point == pytest.approx(system.points.mean() - reference.points.mean())
    assert found.std_error == pytest.approx(np.sqrt(squared)) and found.seeds == 3
    assert found.dof == pytest.approx(welch / min(1, sum(shares) / squared) ** 2)


def test_unequal_numbers_and_a_pool_have_the_degrees_of_freedom_of_either():
    """Each variance is pooled with two degrees of freedom of 1."""
    system, reference = draw(np.random.default_rng(0), (5, 3))
    found, seeds = estimate_difference(system, reference, SeedVariance(1.0, 20)), 0.0
    for each in (system, reference):
        dof = len(each.points) - 1
        seeds += (2 + dof * each.points.var(ddof=1)) / (2 + dof) / len(each.points)
    assert found.dof == pytest.approx(4 / min(1, seeds / found.std_error**2) ** 2)


@pytest.mark.parametrize("training", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("seeds", [(3, 3), (3, 5), (6, 3)])
def test_intervals_hold_where_trainings_are_independent(seeds, training):
    generator = np.random.default_rng(7)
    estimates = [estimate_difference(*draw(generator, seeds, training), NOTHING) for _ in range(600)]
    held = [low <= 0 <= high for low, high in (each.interval(0.95) for each in estimates)]
    assert np.mean(held) >= 0.925


def test_one_seed_on_either_side_has_the_error_of_the_patients_alone():
    system, reference = draw(np.random.default_rng(0), (1, 4))
    found = estimate_difference(system, reference, SeedVariance(1.0, 20))
    mean = system.deviations.mean(axis=0) - reference.deviations.mean(axis=0)
    assert found.std_error == pytest.approx(mean.std(ddof=1)) and found.seeds == 1 and found.dof == np.inf


def test_further_trainings_of_any_number_of_seeds_tell_of_noise():
    values = [np.array([1.0, 2.0, 4.0]), np.array([0.0, 2.0, 1.0])]
    assert shown_by(values) == within(np.array(values))
    other = [*values, np.array([3.0, 5.0])]
    assert shown_by(other).dof == 5
    assert shown_by(other).variance == pytest.approx(sum(((v - v.mean()) ** 2).sum() for v in other) / 5)
    assert shown_by([values[0]]).variance == pytest.approx(values[0].var(ddof=1))
    assert shown_by([np.array([1.0])]) == shown_by([]) == NOTHING
