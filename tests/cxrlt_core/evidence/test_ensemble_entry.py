import json

import numpy as np
import pytest
from test_ensembles import GROUPS, NAMES, members

from cxrlt_core.evidence.ensemble_entry import describe_row
from cxrlt_core.evidence.ensembles import gap_of_plain_mean, score_ensemble
from cxrlt_core.evidence.scoring import count_classes

__all__ = ["members"]  # a fixture


@pytest.fixture
def entry(members):
    classes = count_classes(members.targets, members.resamples, NAMES, GROUPS, 5)
    weights = [one.weights("class_wise") for one in members.choices]
    scored, plain = score_ensemble(members, "class_wise", weights, classes), gap_of_plain_mean(members)
    return describe_row(members, weights, scored, plain, classes, range(len(weights)), 0.95)


def test_numbers_are_means_over_the_seeds(entry, members):
    for c, name in enumerate(NAMES):
        weights = [one.weights("class_wise")[:, c] for one in members.choices]
        assert entry["weights"][name] == pytest.approx(np.mean(weights, axis=0))
        stable = np.mean([one.stability[c] for one in members.choices])
        assert entry["stability"][name] == pytest.approx(stable, abs=5.1e-5)
        again = np.mean([one.chosen_again[:, c] for one in members.choices], axis=0)
        assert entry["chosen_again"][name] == pytest.approx(again, abs=5.1e-5)
    assert list(entry["calibration"]) == [str(seed) for seed in range(len(members.choices))]


def test_it_is_plain_values_beside_those_of_the_mean_of_all_models(entry, members):
    assert json.loads(json.dumps(entry)).keys() == entry.keys() and list(entry["classes"]) == NAMES
    plain = gap_of_plain_mean(members)
    assert entry["plain_dev_mAP"] == pytest.approx(plain.dev.point, abs=5.1e-5) != entry["dev_mAP"]
    assert entry["plain_test_mAP"] == pytest.approx(plain.test.point, abs=5.1e-5)
