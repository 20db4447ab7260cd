"""Hidden classes against chance and the nearest label, by other means."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.zero_shot import Asked, ZeroShotResults, compare_hidden
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.system.records import from_json, to_json

NAMES = ["Edema", "Hernia", "Mass", "Fracture"]
PATIENTS = np.arange(300) // 2


@pytest.fixture(scope="module")
def made() -> tuple[EvaluationSet, dict[str, Asked]]:
    """Edema is told well, Hernia by chance; Mass is rare, Fracture has no positive."""
    generator = np.random.default_rng(0)
    targets = (generator.random((300, 4)) < [0.3, 0.2, 0.01, 0]).astype(np.int8)
    targets[:, 2] = np.arange(300) == 7
    targets[::9, 0] = -1
    resamples = resample_patients(PATIENTS.astype(str), 200, 0)
    classes = count_classes(targets, resamples, NAMES, dict.fromkeys(NAMES, "head"), 5)
    noise = generator.random((2, 300, 4)).astype(np.float32)
    noise[0, :, 0] += 0.5 * (targets[:, 0] == 1)
    asked = {
        name: Asked(1, 0.5, "Pneumonia", 0.25, noise[0, :, c], noise[1, :, c]) for c, name in enumerate(NAMES)
    }
    return EvaluationSet(targets, classes, resamples), asked


def test_numbers_are_those_of_the_hidden_labels_under_both_scores(made):
    data, asked = made
    counted, mean, classes = compare_hidden(data, asked, 0.95)
    assert counted == ["Edema", "Hernia"]
    for c, name in enumerate(counted):
        known = data.targets[:, c] != -1
        target, numbers = data.targets[known, c], classes[name].numbers
        for found, scores in (
            (numbers.zero_shot, asked[name].scores),
            (numbers.nearest, asked[name].nearest_scores),
        ):
            ap, auroc = average_precision_score(target, scores[known]), roc_auc_score(target, scores[known])
            assert found["AP"].point == pytest.approx(ap, abs=6e-5)
            assert found["AUROC"].point == pytest.approx(auroc, abs=6e-5)
            assert found["AP"].low < found["AP"].point < found["AP"].high
        assert numbers.chance == {"AP": pytest.approx(target.mean(), abs=6e-5), "AUROC": 0.5}
        gain = numbers.zero_shot["AP"].point - numbers.nearest["AP"].point
        assert numbers.over_nearest["AP"].point == pytest.approx(gain, abs=2e-4)
        assert classes[name].positive == target.sum() and classes[name].known == known.sum()
    points = [classes[name].numbers.zero_shot["AP"].point for name in counted]
    assert mean.zero_shot["AP"].point == pytest.approx(np.mean(points), abs=2e-4)
    edema, hernia = (classes[name].numbers.over_chance["AP"] for name in counted)
    assert edema.low > 0 > hernia.low


def test_differences_are_paired_over_patients(made):
    """By a loop over the same resamples: the deviation of a difference, not of two numbers apart."""
    data, asked = made
    one = asked["Hernia"]
    numbers = compare_hidden(data, asked, 0.95)[2]["Hernia"].numbers
    times = data.resamples.counts[data.resamples.patient].astype(float)
    gaps = [
        average_precision_score(data.targets[:, 1], one.scores, sample_weight=weights)
        - np.average(data.targets[:, 1], weights=weights)
        for weights in times.T
    ]
    half = 1.959964 * np.std(gaps, ddof=1)
    point, low, high = numbers.over_chance["AP"]
    assert (high - low) / 2 == pytest.approx(half, abs=2e-4)
    assert (low + high) / 2 == pytest.approx(point, abs=1e-4)


def test_what_cannot_be_told_is_not_and_the_record_is_read_as_written(made):
    data, asked = made
    counted, mean, classes = compare_hidden(data, asked, 0.95)
    assert classes["Fracture"].numbers.zero_shot["AP"] == (None, None, None)
    assert classes["Mass"].patients == 1 and classes["Mass"].numbers.zero_shot["AP"].low is None
    folds = [NAMES], [["No Finding"]], ["No Finding"]
    results = ZeroShotResults(0, "{label}", 300, 150, *folds, counted, mean, classes)
    assert from_json(ZeroShotResults, to_json(results)) == results
