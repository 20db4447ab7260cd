import math

import numpy as np
import pytest

from cxrlt_core.system.rounding import or_none, rounded


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_is_not_finite_is_none(value):
    assert or_none(value) is None and rounded(value) is None


def test_plain_numbers_of_four_decimals():
    assert or_none(np.float64(0.25)) == 0.25 and type(or_none(np.float32(0.25))) is float
    assert or_none(0.0) == 0.0
    assert rounded(0.123456) == 0.1235 and rounded(np.float32(0.1)) == 0.1
    assert type(rounded(np.float64(1))) is float and rounded(None) is None
