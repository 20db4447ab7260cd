from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t

from cxrlt_core.evidence.estimator import Estimate
from cxrlt_core.evidence.family import Family, Judged, explored, family_size


def test_what_is_undefined_or_identical_does_not_count():
    one, undefined = Estimate(0.1, 0.1, 8, 3), Estimate(np.nan, np.nan, np.inf, 3)
    assert family_size([one, undefined, one, Estimate(0.0, 0.0, np.inf, 3)]) == 2 and family_size([]) == 0
    assert Family(0.95, 0.002, 0).intervals == 1 and Family(0.95, 0.002, 10, (3, 5)).intervals == 20


@pytest.mark.parametrize(
    ("point", "error", "seeds", "text"),
    [
        (0.1, 0.01, 3, "resolved up"),
        (-0.1, 0.01, 3, "resolved down"),
        (0.001, 0.01, 3, "unresolved"),
        (0.0001, 0.0003, 3, "practically equivalent"),
        (0.0, 0.0008, 3, "unresolved"),  # equivalent alone, but not with all intervals of the family
        (0.001, 0.0001, 3, "practically equivalent"),  # however sure
        (0.0025, 0.0001, 3, "resolved up"),
        (0.0, 0.0, 1, "identical"),
        (np.nan, np.nan, 3, "error not known: no verdict"),
        (0.1, 0.01, 2, "two seeds: no verdict"),
        (0.1, 0.01, 1, "training noise not measured"),
        (0.0, 0.0001, 1, "training noise not measured"),
    ],
)
def test_verdicts(point, error, seeds, text):
    difference = Estimate(point, error, 1000, seeds)
    assert Family(0.95, 0.002, 10).judge(difference).verdict == text
    if error == 0.0008:
        assert Family(0.95, 0.002, 1).judge(difference).verdict == "practically equivalent"


@pytest.mark.parametrize("dof", [2, 7.5, np.inf])
@pytest.mark.parametrize("looks", [(), (3, 5, 10)])
def test_a_verdict_is_what_its_interval_and_its_p_say(dof, looks):
    """On both sides of the point where a difference is resolved, and of the margin."""
    family = Family(0.95, 0.001, 13, looks)
    edge = t.ppf(1 - 0.05 / 13 / (len(looks) or 1) / 2, dof) * 0.01
    under, over = (family.judge(Estimate(edge * factor, 0.01, dof, 3)) for factor in (0.99, 1.01))
    assert under.simultaneous[0] < 0 < over.simultaneous[0]
    assert under.p_adjusted > 0.05 > over.p_adjusted
    assert (under.verdict, over.verdict) == ("unresolved", "resolved up")
    within = Estimate(-0.003, 0.01, dof, 3)
    smallest = family.judge(within).equivalent_within
    assert smallest == pytest.approx(edge + 0.003, abs=5.1e-5)
    wide, narrow = (replace(family, margin=smallest + more) for more in (1e-4, -1e-4))
    verdicts = wide.judge(within).verdict, narrow.judge(within).verdict
    assert verdicts == ("practically equivalent", "unresolved")


def test_looks_are_those_declared_and_an_exploratory_difference_has_no_verdict():
    resolved = Estimate(0.1, 0.01, 8, 4)
    judged = Family(0.95, 0.002, 1, (3, 5)).judge(resolved)
    assert judged.verdict == "no declared look: no verdict" and judged.simultaneous[0] > 0
    assert Family(0.95, 0.002, 1, (3, 4)).judge(resolved).verdict == "resolved up"
    assert explored(resolved) == Judged((None, None), None, None, "exploratory: no verdict")
    assert explored(Estimate(0.0, 0.0, np.inf, 3)).verdict == "identical"
