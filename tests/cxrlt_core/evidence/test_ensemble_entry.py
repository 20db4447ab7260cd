import json

import numpy as np
import pytest
from test_ensembles import NAMES, members

from cxrlt_core.evidence.ensemble_entry import Selection, describe_selection
from cxrlt_core.evidence.ensembles import gap_of_plain_mean, score_ensemble
from cxrlt_core.system.records import from_json, to_json

__all__ = ["members"]  # a fixture


def test_an_entry_has_means_over_the_seeds_beside_the_mean_of_all_models_and_survives_a_file(members):
    scored, plain = score_ensemble(members, "class_wise"), gap_of_plain_mean(members)
    selection = describe_selection(members, scored, plain, 0.95)
    for c, name in enumerate(NAMES):
        weights = [choice.weights("class_wise")[:, c] for choice in members.choices]
        assert selection.weights[name] == pytest.approx(np.mean(weights, axis=0))
        stable = np.mean([choice.stability[c] for choice in members.choices])
        assert selection.stability[name] == pytest.approx(stable, abs=5.1e-5)
        again = np.mean([choice.chosen_again[:, c] for choice in members.choices], axis=0)
        assert selection.chosen_again[name] == pytest.approx(again, abs=5.1e-5)
    assert list(selection.calibration) == [str(seed) for seed in range(len(members.choices))]
    assert from_json(Selection, json.loads(json.dumps(to_json(selection), allow_nan=False))) == selection
    assert selection.plain_dev_mAP == pytest.approx(plain.dev.point, abs=5.1e-5) != selection.dev_mAP
    assert selection.plain_test_mAP == pytest.approx(plain.test.point, abs=5.1e-5)
