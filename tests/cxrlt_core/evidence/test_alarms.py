import numpy as np
import pytest
from scipy import stats

from cxrlt_core.evidence.alarms import noise_alarms

NAMES = ["a", "b", "c", "d", "e"]
VALUES = np.random.default_rng(3).normal(size=(5, 4))


def test_trainings_of_one_noise_raise_an_alarm_as_rarely_as_is_said():
    generator = np.random.default_rng(0)
    levels, raised = np.arange(5)[:, None], np.zeros(2)
    for _ in range(4000):
        alarms = noise_alarms(NAMES, generator.normal(size=(5, 3)) + levels, 0.95)
        of_seeds = [alarm.seed is not None for alarm in alarms]
        raised += [False in of_seeds, True in of_seeds]
    assert ((raised / 4000 > 0.03) & (raised / 4000 < 0.055)).all()


def test_a_noisy_training_is_named_with_how_noisy_it_is():
    values = VALUES * np.array([1, 1, 8, 1, 1])[:, None]
    noisy = next(alarm for alarm in noise_alarms(NAMES, values, 0.95) if alarm.seed is None)
    own = values.var(axis=1, ddof=1)
    assert noisy.training == "c" and noisy.size == pytest.approx(own[2] / own[[0, 1, 3, 4]].mean())
    assert noisy.p == pytest.approx(5 * stats.f.sf(noisy.size, 3, 12))


def test_a_seed_that_went_astray_is_named_with_its_distance():
    values = VALUES.copy()
    values[1, 2] += 30
    astray = next(alarm for alarm in noise_alarms(NAMES, values, 0.95) if alarm.seed is not None)
    rest = np.delete(values[1], 2)
    spread = np.sqrt(values[[0, 2, 3, 4]].var(axis=1, ddof=1).mean() * (1 + 1 / 3))
    assert (astray.training, astray.seed) == ("b", 2)
    assert astray.size == pytest.approx((values[1, 2] - rest.mean()) / spread)
    assert astray.p == pytest.approx(40 * stats.t.sf(astray.size, 12))


@pytest.mark.parametrize(
    "values", [np.zeros((5, 3)), np.ones((1, 3)), np.ones((5, 1)), np.full((5, 3), np.nan), np.zeros((0, 3))]
)
def test_what_tells_nothing_raises_no_alarm(values):
    assert noise_alarms(NAMES, values, 0.95) == []
