import numpy as np
import pytest
from scipy.stats import norm

from cxrlt_core.evidence.estimator import (
    Estimate,
    Sampled,
    SeedVariance,
    VarianceComponents,
    estimate,
    probability_of_improvement,
)


def test_the_point_is_the_share_of_new_pairs_that_agree():
    one = Estimate(0.3, 0.1, 8, 3, VarianceComponents(0.01, 0.02, 0.07, 0.09, 8))
    point, low, high = probability_of_improvement(one, 0.95)
    drawn = np.random.default_rng(0).normal(0.3, 0.3, 400_000) > 0
    assert point == pytest.approx(drawn.mean(), abs=0.003) and low < point < high
    assert probability_of_improvement(Estimate(0.0, 0.1, 8, 3, one.parts), 0.95)[0] == 0.5


def test_the_interval_is_the_one_of_the_page():
    """θ = 0.3 / 0.3 with the error of the difference and, by the delta method, of s."""
    one = Estimate(0.3, 0.1, 8, 3, VarianceComponents(0.01, 0.02, 0.07, 0.09, 8))
    half = norm.ppf(0.95) * np.sqrt((0.1 / 0.3) ** 2 + 1 / (2 * 8))
    assert probability_of_improvement(one, 0.9) == pytest.approx(norm.cdf([1, 1 - half, 1 + half]))


@pytest.mark.parametrize(("effect", "patients"), [(0.0, 0.1), (1.0, 0.1), (1.0, 3.0), (2.5, 0.5)])
def test_the_interval_holds_what_it_should(effect, patients):
    """Three seeds, training noise 1 known with 8 degrees of freedom; patients add their own."""
    generator, inside, studies = np.random.default_rng(1), 0, 1500
    for _ in range(studies):
        shift = generator.normal(0, patients)
        points = effect + shift + generator.normal(size=3)
        deviations = np.tile(generator.normal(0, patients, 300), (3, 1))
        noise = SeedVariance((2 * points.var(ddof=1) + generator.chisquare(6)) / 8, 8)
        _, low, high = probability_of_improvement(
            estimate(Sampled(points, deviations, np.zeros(3)), noise), 0.95
        )
        inside += low <= norm.cdf(effect) <= high
    assert 0.935 < inside / studies < 0.985  # wider than it need be where patients dominate


def test_without_training_noise_nothing_is_said():
    for parts in (
        None,
        VarianceComponents(0.01, 0.0, np.nan, np.nan, np.nan),
        VarianceComponents(0.01, 0.0, 0.0, 0.0, 8),
    ):
        assert np.isnan(probability_of_improvement(Estimate(0.3, 0.1, np.inf, 3, parts), 0.95)).all()
