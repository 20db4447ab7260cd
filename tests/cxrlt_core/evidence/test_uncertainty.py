import warnings

import numpy as np
import pytest
from scipy.stats import t

from cxrlt_core.evidence.uncertainty import Sampled, draw_seeds, holm


def make(points, samples, seed: int = 0) -> Sampled:
    points, samples = np.asarray(points, float), np.asarray(samples, float)
    return Sampled(points, samples, draw_seeds(len(points), samples.shape[1], seed))


def random_one(generator, seeds: int = 3, resamples: int = 200, shift: float = 0.0) -> Sampled:
    points = generator.normal(shift, 1, seeds)
    return make(points, points[:, None] + generator.normal(0, 1, resamples))


def test_one_seed_gives_the_quantiles_of_the_resamples_moved_to_the_estimate():
    samples = np.append(np.random.default_rng(0).gamma(2, size=1000), np.nan)
    low, high = make([5.0], samples[None]).interval(0.9)
    drawn = samples[:-1]
    np.testing.assert_allclose((low, high), np.quantile(drawn, [0.05, 0.95]) - drawn.mean() + 5.0)


@pytest.mark.parametrize("samples", [[np.nan, np.nan], [0.3, 0.3], [0.3, np.nan]])
def test_without_spread_nothing_is_known(samples):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = make([0.3], [samples])
        assert np.isnan(
            [*one.interval(0.95), one.standard_error, one.p_value(0.95), one.detectable(0.95)]
        ).all()


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_row_against_itself_is_the_point(seeds):
    one = random_one(np.random.default_rng(0), seeds)
    same = one - one
    assert (same.point, *same.interval(0.95)) == (0, 0, 0) and same.p_value(0.95) == 1


def test_p_value_is_dual_to_the_interval():
    generator, small = np.random.default_rng(1), 0
    for _ in range(300):
        one = random_one(generator, int(generator.integers(1, 6)), 999, generator.normal(0, 2))
        low, high = one.interval(0.95)
        p = one.p_value(0.95)
        small += p < 0.05
        assert 2 / 1000 <= p <= 1
        if abs(p - 0.05) > 0.003:  # quantiles lie between two samples
            assert (p < 0.05) == (not low <= 0 <= high)
    assert 30 < small < 270


def test_one_seed_fewer_is_drawn_so_that_the_variance_is_not_too_small():
    """The variance of drawn means is s²/S; drawing S of S would give (S - 1)/S of it."""
    for seeds in (2, 3, 5):
        points = np.random.default_rng(seeds).normal(size=seeds)
        drawn = draw_seeds(seeds, 200_000, 0)
        assert drawn.shape == (200_000, seeds - 1)
        expected = points.var(ddof=1) / seeds
        assert points[drawn].mean(axis=1).var() == pytest.approx(expected, rel=0.02)
    assert (draw_seeds(1, 10, 0) == 0).all()


def test_freedom_is_that_of_the_seeds_where_they_make_all_the_noise():
    points = [0.1, 0.4, 0.6]
    only_seeds = make(points, np.tile(np.array(points)[:, None], 4000))
    assert only_seeds.freedom == pytest.approx(2, rel=0.1)
    assert only_seeds.widening(0.95) == pytest.approx(t.ppf(0.975, 2) / 1.959964, rel=0.1)
    resamples = np.random.default_rng(0).normal(size=4000)
    only_patients = make([0.1, 0.1, 0.1], np.tile(resamples, (3, 1)))
    assert only_patients.freedom > 1e9 and only_patients.widening(0.95) == pytest.approx(1)
    assert make([0.1], resamples[None]).widening(0.95) == 1
    both = make(points, np.array(points)[:, None] + resamples)
    assert 2 < both.freedom < np.inf and 1 < both.widening(0.95) < 2


def coverage(seeds: int, noise: float, drawn: int, widen: bool, studies: int = 600) -> float:
    """How often the 95 % interval holds the truth, with seed noise in units of that of the patients."""
    generator, held = np.random.default_rng(7), 0
    for study in range(studies):
        patients = generator.normal(size=60) * np.sqrt(60)
        points = patients.mean() + generator.normal(size=seeds) * noise * np.sqrt(seeds)
        resampled = generator.multinomial(60, np.full(60, 1 / 60), size=300) @ patients / 60
        samples = resampled + (points - patients.mean())[:, None]
        chosen = np.random.default_rng(study).integers(seeds, size=(300, drawn))
        one = Sampled(points, samples, chosen)
        low, high = one.interval(0.95)
        by = 1 if widen else one.widening(0.95)
        held += (low - one.point) / by <= -one.point <= (high - one.point) / by
    return held / studies


@pytest.mark.parametrize(("seeds", "least"), [(2, 0.89), (3, 0.90), (5, 0.90)])
def test_intervals_cover_with_few_seeds(seeds, least):
    """600 studies tell a share of 0.95 to 0.009; few seeds fall a little short (docs/evidence.md)."""
    careful = coverage(seeds, 1.0, max(seeds - 1, 1), widen=True)
    naive = coverage(seeds, 1.0, seeds, widen=False)
    assert least < careful < 0.98 and naive < careful - 0.01


def test_detectable_is_found_with_the_power_promised():
    generator = np.random.default_rng(3)
    error = 0.7
    one = make([0.0], generator.normal(0, error, (1, 100_000)))
    true = one.detectable(0.95)
    found = np.abs(generator.normal(true, error, 20_000)) > 1.96 * error
    assert found.mean() == pytest.approx(0.8, abs=0.015)
    assert one.detectable(0.95, tests=10) > true


def naive_holm(p):
    order, adjusted, highest = np.argsort(p), np.zeros(len(p)), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = highest
    return adjusted


def test_holm_equals_a_naive_loop_and_leaves_out_what_is_undefined():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    p = np.random.default_rng(0).random(20) ** 3
    np.testing.assert_allclose(holm(p), naive_holm(p))
    found = holm([0.01, np.nan, 0.04])
    np.testing.assert_allclose([found[0], found[2]], [0.02, 0.04])
    assert np.isnan(found[1]) and holm([]) == []
