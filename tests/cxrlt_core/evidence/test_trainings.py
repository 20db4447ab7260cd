import numpy as np
import pytest

from cxrlt_core.evidence.scoring import TESTED, EvaluationSet, count_classes
from cxrlt_core.evidence.trainings import pooled_seed_variance, score_rows
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import average_precision


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
