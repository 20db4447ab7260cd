import numpy as np
import pytest

from cxrlt_core.designs.normal_gating import Settings, probabilities
from cxrlt_core.prediction.inference import posthoc
from cxrlt_core.system.errors import StudyError

CLASSES = ["Mass", "No Finding", "Support Devices"]
P = np.random.default_rng(0).random((7, 3)).astype(np.float32)


@pytest.mark.parametrize(("power", "spared"), [(1.0, []), (0.5, ["Support Devices"]), (3.0, [])])
def test_findings_are_held_back_by_the_probability_of_none(power, spared):
    settings = Settings(normal="No Finding", power=power, spared=spared)
    found = posthoc({"normal_gating": settings}, CLASSES, P)
    for i in range(7):
        for c, name in enumerate(CLASSES):
            stays = name == "No Finding" or name in spared
            expected = float(P[i, c]) * (1.0 if stays else (1 - float(P[i, 1])) ** power)
            assert found[i, c] == pytest.approx(expected, rel=1e-6)
    assert found.dtype == np.float32 and (found[:, 0] < P[:, 0]).all()


def test_without_a_normal_class_it_is_refused():
    with pytest.raises(
        StudyError, match=r"^normal_gating.normal: 'Normal' is no class of this study \(Mass, "
    ):
        probabilities(Settings(normal="Normal", power=1, spared=[]), CLASSES)
