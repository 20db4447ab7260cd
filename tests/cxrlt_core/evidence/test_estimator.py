from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nct, norm, t

from cxrlt_core.evidence.estimator import (
    Estimate,
    Sampled,
    SeedVariance,
    VarianceComponents,
    estimate,
    pooled,
    probability_of_improvement,
)
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import Score
from cxrlt_core.evidence.seed_variance import PooledSeedVariance


def made(points, deviations, bias=0.0) -> Sampled:
    points = np.asarray(points, float)
    return Sampled(points, np.asarray(deviations, float), np.full(len(points), bias))


def random_one(generator, seeds: int = 3, resamples: int = 500) -> Sampled:
    shared, own = generator.normal(size=resamples), generator.normal(size=(seeds, resamples))
    return made(generator.normal(size=seeds), shared + own)


def naive(one: Sampled, noise: SeedVariance) -> tuple[float, float]:
    """Standard error and degrees of freedom, term by term as docs/evidence.md has them."""
    seeds, resamples = one.deviations.shape
    means = [np.mean([one.deviations[s][b] for s in range(seeds)]) for b in range(resamples)]
    v_bar = np.var(means, ddof=1)
    v_w = np.mean([np.var(one.deviations[s], ddof=1) for s in range(seeds)])
    i_hat = max(0, v_w - v_bar) * seeds / (seeds - 1)
    squared = v_bar + max(0, noise.variance - i_hat) / seeds
    r = min(1, noise.variance / (seeds * squared))
    return np.sqrt(squared), noise.dof / r**2


@pytest.mark.parametrize("variance", [0.1, 1.0, 7.0])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_estimator_is_the_one_of_the_page(seeds, variance):
    one, noise = random_one(np.random.default_rng(seeds), seeds), SeedVariance(variance, 8)
    found = estimate(one, noise)
    assert (found.std_error, found.dof) == pytest.approx(naive(one, noise))
    assert found.point == pytest.approx(one.points.mean()) and found.seeds == seeds


def test_patient_by_seed_noise_counts_once():
    """Seeds that differ only through the patients add nothing to what the resamples show."""
    generator = np.random.default_rng(0)
    one = made(np.zeros(3), generator.normal(size=(3, 4000)))  # no noise but patient × seed
    assert estimate(one, SeedVariance(1.0, 8)).std_error == pytest.approx(np.sqrt(1 / 3), rel=0.03)
    assert estimate(one, SeedVariance(3.0, 8)).std_error == pytest.approx(np.sqrt(1 / 3 + 2 / 3), rel=0.03)


def test_one_seed_has_the_interval_of_the_patients():
    one = random_one(np.random.default_rng(0), seeds=1)
    found = estimate(one, None)
    assert found.std_error == pytest.approx(one.deviations[0].std(ddof=1)) and found.seeds == 1
    half = norm.ppf(0.95) * found.std_error
    assert found.interval(0.9) == pytest.approx((one.point - half, one.point + half))


@pytest.mark.parametrize("seeds", [1, 3])
def test_what_other_development_patients_would_choose_adds_to_the_error(seeds):
    generator = np.random.default_rng(0)
    one, noise = random_one(generator, seeds), SeedVariance(2.0, 8) if seeds > 1 else None
    common = generator.normal(0, 0.5, size=(1, 3000, 1)) + np.zeros((seeds, 1, 20))
    chosen = estimate(replace(one, choices=common), noise)
    given = estimate(one, noise)
    assert given.parts.selection == 0 and chosen.parts.selection == pytest.approx(0.25, rel=0.1)
    assert chosen.std_error**2 == pytest.approx(given.std_error**2 + chosen.parts.selection)
    assert chosen.dof >= given.dof  # the seeds are a smaller share


def test_choices_are_paired_in_a_difference():
    generator = np.random.default_rng(0)
    one, choices = random_one(generator), generator.normal(size=(3, 200, 10))
    same = replace(one, choices=choices)
    other = -1.0 * replace(random_one(generator), choices=choices)
    assert estimate(same + other, SeedVariance(1.0, 8)).parts.selection == 0
    np.testing.assert_array_equal((2.0 * same + one).choices, 2 * choices)  # one that chose nothing adds 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("points", [[0.3], [0.3, 0.4, 0.5]])
def test_without_spread_of_patients_nothing_is_known(points):
    found = estimate(made(points, np.zeros((len(points), 5))), SeedVariance(1.0, 2))
    numbers = [*found.interval(0.95), found.std_error, found.p_value(), found.detectable(0.95)]
    assert np.isnan(numbers).all()


def test_undefined_numbers_stay_undefined():
    found = estimate(made([np.nan, np.nan], np.zeros((2, 5))), SeedVariance(np.nan, 8))
    assert np.isnan([found.point, *found.interval(0.95), found.p_value()]).all()


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_row_against_itself_is_the_point(seeds):
    one = random_one(np.random.default_rng(0), seeds)
    score, noise = Score({"mAP": one}, {}), PooledSeedVariance({"row": ("row", False)}, [], {})
    found = ScoredTable({"row": score}, noise, 0.95).contrast({"row": 0.0}, "mAP")
    assert (found.point, *found.interval(0.95)) == (0, 0, 0) and found.p_value() == 1


def test_sums_go_seed_by_seed_and_resample_by_resample_and_seeds_deviate_as_a_sample():
    generator = np.random.default_rng(1)
    first, second = random_one(generator), random_one(generator)
    gap = first + -2.0 * second
    np.testing.assert_allclose(gap.points, first.points - 2 * second.points)
    np.testing.assert_allclose(gap.deviations, first.deviations - 2 * second.deviations)
    both = 2.0 * made([1.0], np.ones((1, 3)), bias=0.1) + made([2.0], np.ones((1, 3)), bias=0.3)
    assert both.corrected == pytest.approx(4.0 - 0.5)
    assert made([1.0, 2.0, 6.0], np.zeros((3, 1))).seed_deviation == pytest.approx(7**0.5)
    assert np.isnan(made([1.0], np.zeros((1, 1))).seed_deviation)


def test_p_value_and_interval_are_students_and_say_the_same():
    for dof in (2, 8, 100, np.inf):
        one = Estimate(1.0, 0.5, dof, 3)
        student = norm if np.isinf(dof) else t(dof)
        assert one.p_value() == pytest.approx(2 * student.sf(2.0))
        half = student.ppf(0.975) * 0.5
        assert one.interval(0.95) == pytest.approx((1 - half, 1 + half))
        edge = Estimate(student.ppf(1 - 0.05 / 20), 1.0, dof, 3)
        assert edge.p_value() * 10 == pytest.approx(0.05) and edge.interval(0.95, 10)[0] == pytest.approx(0)


@pytest.mark.parametrize(("dof", "tests"), [(8, 1), (8, 10), (30, 10), (np.inf, 10)])
def test_detectable_has_the_power_promised_at_the_level_of_the_verdict(dof, tests):
    one = Estimate(0.0, 0.7, dof, 3)
    true, bound = one.detectable(0.95, tests), 1 - 0.05 / tests / 2
    if np.isinf(dof):
        power = norm.sf(norm.ppf(bound) - true / 0.7)
    else:
        power = nct.sf(t.ppf(bound, dof), dof, true / 0.7)
    assert power == pytest.approx(0.8, abs=1e-6)


def test_pooling_weighs_by_degrees_of_freedom_at_most_two():
    points = np.array([0.0, 1.0, 5.0])
    own = points.var(ddof=1)
    found = pooled(points, SeedVariance(2.0, 16), squares=2.0)
    assert (found.variance, found.dof) == (pytest.approx((2 * 2 * 2 + 2 * own) / 4), 4)
    few = pooled(points, SeedVariance(2.0, 1), squares=4.0)
    assert (few.variance, few.dof) == (pytest.approx((0.5 * 2 * 4 + 2 * own) / 2.5), 2.5)
    alone = pooled(points, SeedVariance(0.0, 0), squares=2.0)
    assert (alone.variance, alone.dof) == (pytest.approx(own), 2)


def test_improvement_is_the_share_of_new_pairs_that_agree():
    one = Estimate(0.3, 0.1, 8, 3, VarianceComponents(0.01, 0.02, 0.07, 0.09, 8))
    point, low, high = probability_of_improvement(one, 0.95)
    drawn = np.random.default_rng(0).normal(0.3, 0.3, 400_000) > 0
    assert point == pytest.approx(drawn.mean(), abs=0.003) and low < point < high
    assert probability_of_improvement(Estimate(0.0, 0.1, 8, 3, one.parts), 0.95)[0] == 0.5
    # the interval of the page: θ = 0.3 / 0.3 with the error of the difference and, by the delta method, of s
    half = norm.ppf(0.95) * np.sqrt((0.1 / 0.3) ** 2 + 1 / (2 * 8))
    assert probability_of_improvement(one, 0.9) == pytest.approx(norm.cdf([1, 1 - half, 1 + half]))
    for rest in ((np.nan, np.nan, np.nan), (0.0, 0.0, 8)):
        parts = VarianceComponents(0.01, 0.0, *rest)
        assert np.isnan(probability_of_improvement(Estimate(0.3, 0.1, np.inf, 3, parts), 0.95)).all()


@pytest.mark.parametrize(("effect", "patients"), [(0.0, 0.1), (1.0, 0.1), (1.0, 3.0), (2.5, 0.5)])
def test_its_interval_holds_what_it_should(effect, patients):
    """Three seeds, training noise 1 known with 8 degrees of freedom; patients add their own."""
    generator, inside, studies = np.random.default_rng(1), 0, 1500
    for _ in range(studies):
        shift = generator.normal(0, patients)
        points = effect + shift + generator.normal(size=3)
        deviations = np.tile(generator.normal(0, patients, 300), (3, 1))
        noise = SeedVariance((2 * points.var(ddof=1) + generator.chisquare(6)) / 8, 8)
        _, low, high = probability_of_improvement(estimate(made(points, deviations), noise), 0.95)
        inside += low <= norm.cdf(effect) <= high
    assert 0.935 < inside / studies < 0.985  # wider than it need be where patients dominate
