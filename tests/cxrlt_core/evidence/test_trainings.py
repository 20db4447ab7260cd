import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import average_precision_score

from cxrlt_core.evidence.scoring import TESTED, EvaluationSet, count_classes
from cxrlt_core.evidence.trainings import class_scores, pooled_seed_variance, score_rows
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import average_precision
from cxrlt_core.params.schema import Bootstrap


def test_rows_and_trainings_are_scored_from_what_is_read():
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, size=(60, 2))
    files = {(name, tta): generator.random((3, 60, 2)) for name in "xy" for tta in (False, True)}
    resamples = resample_patients(np.arange(60), 50, seed=0)
    classes = count_classes(targets, resamples, ["p", "q"], {"p": "head", "q": "tail"}, 5)
    rows = {"plain": ("x", False), "with": ("y", True)}

    def read(name, tta):
        return files[name, tta]

    data = EvaluationSet(targets, classes, resamples)
    scores = score_rows(data, rows, read, np.arange(60).astype(str))
    assert list(scores) == ["plain", "with"]
    for name, key in rows.items():
        expected = [average_precision(targets, one).mean() for one in files[key]]
        assert scores[name]["mAP"].points == pytest.approx(expected)
    noise = pooled_seed_variance(data, rows, "xy", read)
    found = noise.trainings[TESTED["mAP"]]
    assert found.shape == (2, 2, 3) and noise.rows == rows
    assert found[1, 1] == pytest.approx(scores["with"]["mAP"].points)
    assert found[0, 0] == pytest.approx(scores["plain"]["mAP"].points)


def test_classes_are_scored_on_known_labels_with_the_interval_of_a_bootstrap_of_patients():
    """Three classes on 60 patients of two images each; the last class has no positive."""
    generator, patients = np.random.default_rng(0), np.arange(120) // 2
    targets = (generator.random((120, 3)) < [0.5, 0.2, 0]).astype(np.int8)
    found = (0.3 * targets + 0.7 * generator.random(targets.shape)).astype(np.float32)
    targets[:10, 0] = -1
    groups = {"a": "head", "b": "tail", "c": "medium"}
    scores = class_scores(targets, found, patients, groups, Bootstrap(resamples=1000, seed=0, level=0.95))
    assert list(scores) == ["a", "b", "c"]
    known = targets[:, 0] >= 0
    assert scores["a"]["AP"] == pytest.approx(average_precision_score(targets[known, 0], found[known, 0]))
    assert scores["a"]["known"] == 110 and scores["a"]["positive"] == (targets[:, 0] == 1).sum()
    assert scores["b"]["patients"] == len(set(patients[targets[:, 1] == 1]))
    assert scores["c"]["AP"] is None and scores["c"]["AP_low"] is None and scores["c"]["positive"] == 0
    # a bootstrap of patients by hand is about as wide
    generator, naive = np.random.default_rng(1), []
    for _ in range(400):
        rows = np.concatenate([np.flatnonzero(patients == p) for p in generator.integers(60, size=60)])
        naive.append(average_precision_score(targets[rows, 1], found[rows, 1]))
    half = (scores["b"]["AP_high"] - scores["b"]["AP_low"]) / 2
    assert half == pytest.approx(1.96 * np.std(naive), rel=0.15)
    # on the logit scale it is as far to both sides, and AUROC has one, too
    low, middle, high = (logit(scores["b"][key]) for key in ("AP_low", "AP", "AP_high"))
    assert high - middle == pytest.approx(middle - low, abs=1e-3)
    assert scores["b"]["AUROC_low"] < scores["b"]["AUROC"] < scores["b"]["AUROC_high"] < 1


@pytest.mark.parametrize(
    ("positives", "known"), [(9, [False, False]), (10, [True, False]), (50, [True, True])]
)
def test_few_positive_patients_and_those_near_1_have_no_interval(positives, known):
    """AUROC is about 0.8 and 0.97, where of ten patients less than one fails."""
    generator, targets = np.random.default_rng(0), (np.arange(400) < positives).astype(np.int8)[:, None]
    targets = np.repeat(targets, 2, axis=1)
    found = (targets * [0.2, 0.74] + generator.random(targets.shape)).astype(np.float32) / 2
    groups = {"a": "head", "b": "tail"}
    settings = Bootstrap(resamples=200, seed=0, level=0.95)
    scores = class_scores(targets, found, np.arange(400), groups, settings)
    assert [one["AUROC_low"] is not None for one in scores.values()] == known
