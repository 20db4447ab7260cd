import numpy as np
import pytest

from cxrlt_core.designs.ap_weighted import ap_weights


def test_a_weight_is_the_share_of_the_average_precision():
    ap = np.array([[0.6, 0.1, np.nan, -0.1], [0.3, 0.1, np.nan, 0.2], [0.1, 0.2, np.nan, 0.2]])
    weights = ap_weights(ap)
    for c, column in enumerate([[0.6, 0.3, 0.1], [0.25, 0.25, 0.5], [1 / 3] * 3, [0, 0.5, 0.5]]):
        assert weights[:, c] == pytest.approx(column)
    np.testing.assert_array_equal(ap_weights(np.full((2, 1), -1.0)), 0.5)
