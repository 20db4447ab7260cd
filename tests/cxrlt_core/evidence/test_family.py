import numpy as np
import pytest

from cxrlt_core.evidence.estimator import Estimate
from cxrlt_core.evidence.family import Family, family_size, holm


def naive_holm(p):
    order, adjusted, highest = np.argsort(p), np.zeros(len(p)), 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[i]))
        adjusted[i] = highest
    return adjusted


def test_holm_equals_a_naive_loop_and_what_is_undefined_does_not_count():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    p = np.random.default_rng(0).random(20) ** 3
    np.testing.assert_allclose(holm(p), naive_holm(p))
    found = holm([0.01, np.nan, 0.04])
    np.testing.assert_allclose([found[0], found[2]], [0.02, 0.04])
    assert np.isnan(found[1]) and holm([]) == []
    one, undefined = Estimate(0.1, 0.1, 8, 3), Estimate(np.nan, np.nan, np.inf, 3)
    assert family_size([one, undefined, one]) == 2 and family_size([]) == 1


@pytest.mark.parametrize(
    ("point", "error", "seeds", "text"),
    [
        (0.1, 0.01, 3, "resolved up"),
        (-0.1, 0.01, 3, "resolved down"),
        (0.001, 0.01, 3, "unresolved"),
        (0.0001, 0.0003, 3, "negligible"),
        (0.0, 0.0008, 3, "unresolved"),  # negligible alone, but not with all intervals of the family
        (0.001, 0.0001, 3, "negligible"),  # however sure
        (0.0025, 0.0001, 3, "resolved up"),
        (np.nan, np.nan, 3, "error not known: no verdict"),
        (0.1, 0.01, 2, "two seeds: no verdict"),
        (0.1, 0.01, 1, "training noise not measured"),
        (0.0, 0.0001, 1, "training noise not measured"),
    ],
)
def test_verdicts(point, error, seeds, text):
    difference = Estimate(point, error, 1000, seeds)
    assert Family("", 0.95, 0.002, 10).verdict(difference, min(1.0, 10 * difference.p_value())) == text
    if error == 0.0008:
        assert Family("", 0.95, 0.002, 1).verdict(difference, 1.0) == "negligible"
