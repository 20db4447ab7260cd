import json
from dataclasses import asdict

import pytest

from cxrlt_core.evidence.estimator import VarianceComponents
from cxrlt_core.evidence.power import patients_needed, planned, seeds_needed
from cxrlt_core.evidence.power_analysis import Size, power_analysis
from cxrlt_core.evidence.published import IMAGES, reference
from cxrlt_core.system.rounding import or_none

PARTS = VarianceComponents(4e-4, 1e-4, 9e-4, 1e-3, 8.0, 1e-5)
SIZE = Size("dev", 1000, 900, 3, 0.95)


def one(parts=PARTS, family="primary", published=0.003) -> dict:
    parts = parts and {name: or_none(value) for name, value in asdict(parts).items()}  # as JSON has them
    described = {"what": "TTA", "change": "off → ✓", "rows": ["b", "a"], "family": family}
    return described | {"difference": [0.09, 0.0, 0.1], "published": published, "parts": parts}


def test_each_contrast_is_planned_at_the_level_of_its_family():
    found = power_analysis([one(), one(), one(None), one(family="exploratory", published=None)], SIZE)
    first, _, undefined, added = found["contrasts"]
    assert first["variance"] == pytest.approx(
        {"patients": 4e-4, "patients_by_seed": 1e-4 / 3, "training": 3e-4, "selection": 1e-5}, rel=1e-3
    )
    assert first["std_error"] == pytest.approx(planned(PARTS, 3, 3).std_error, abs=5e-5)
    assert first["detectable"] == pytest.approx(planned(PARTS, 3, 3).detectable(0.95, 2), abs=5e-5)
    assert first["measured"]["seeds"] == seeds_needed(PARTS, 3, 0.09, 0.95, 2)
    assert first["measured"]["patients"] == patients_needed(PARTS, 900, 3, 0.09, 0.95, 2)
    assert first["published"] == {"difference": 0.003, "seeds": "at no number", "patients": "at no number"}
    assert first["claim"]["resolvable"] is False
    apart = {f"{c:g}": round(reference(IMAGES["dev"], c, 0.95, 2), 4) for c in (0.9, 0.95)}
    assert found["reference"] == apart and found["published_images"] == IMAGES["dev"]
    assert undefined["variance"] is undefined["measured"] is None
    assert added["published"] is added["claim"] is None and added["measured"]["seeds"] == seeds_needed(
        PARTS, 3, 0.09, 0.95, 1
    )
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_one_seed_tells_nothing_of_seeds():
    alone = VarianceComponents(4e-4, 0.0, float("nan"), float("nan"), float("nan"))
    [found] = power_analysis([one(alone)], Size("test", 1000, 900, 1, 0.95))["contrasts"]
    assert found["measured"] == {"difference": 0.09, "seeds": None, "patients": None}
    assert found["variance"]["training"] is found["variance"]["patients_by_seed"] is None
    assert found["detectable"] is found["claim"]["trainings"] is None
    assert found["std_error"] == 0.02
