import numpy as np
import pytest

from cxrlt_core.evidence.scoring import Score, difference, row_numbers, score, table_metrics
from cxrlt_core.metrics.bootstrap import patient_draws
from cxrlt_core.metrics.calibration import best_thresholds
from cxrlt_core.metrics.scores import SUMMARY, summarise

CLASSES = ["x", "y"]
GROUPS = {"x": "head", "y": "tail"}


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, size=(80, 2))
    draws = patient_draws(np.repeat(np.arange(40), 2), 300, seed=0)
    return targets, generator.random((80, 2)), draws


def scored(targets, *probabilities_and_draws) -> Score:
    """Score predictions of one or several seeds."""
    *probabilities, draws = probabilities_and_draws
    thresholds = [best_thresholds(targets, one) for one in probabilities]
    return score(targets, probabilities, thresholds, CLASSES, GROUPS, draws, seed=0)


def test_samples_spread_about_the_point(table):
    row = scored(*table)
    assert tuple(row.means) == SUMMARY
    for name in ("mAP", "mAP_head", "mAP_tail", "mAUROC", "micro_AP", "F1", "ECE", "Brier"):
        low, high = row[name].interval(0.95)
        assert low < row[name].point < high
        assert row[name].standard_error == pytest.approx(row[name].samples[0].std(ddof=1))
    assert np.isnan(row["mAP_medium"].point) and np.isnan(row["mAP_medium"].interval(0.95)).all()
    halves = row["mAP_head"].samples + row["mAP_tail"].samples
    np.testing.assert_allclose(row["mAP"].samples, halves / 2)


def test_a_row_against_itself_is_the_point(table):
    row = scored(*table)
    assert difference(row, row, 0.95) == [0.0, 0.0, 0.0]


def test_pairing_narrows_the_interval_of_a_difference(table):
    targets, probabilities, draws = table
    noise = np.random.default_rng(1).normal(scale=0.01, size=probabilities.shape)
    row, other = scored(targets, probabilities, draws), scored(targets, probabilities + noise, draws)
    point, low, high = difference(other, row, 0.95)
    alone = row["mAP"].interval(0.95)
    assert point == pytest.approx(other["mAP"].point - row["mAP"].point, abs=5.1e-5)
    assert low < point < high
    assert 0 < high - low < 0.3 * (alone[1] - alone[0])


def test_one_patient_gives_no_interval(table):
    targets, probabilities, _ = table
    draws = patient_draws(["p"] * 80, 300, seed=0)
    row, other = scored(targets, probabilities, draws), scored(targets, 1 - probabilities, draws)
    assert np.isnan(row["mAP"].interval(0.95)).all() and np.isnan(row["mAP"].standard_error)
    point, low, high = difference(other, row, 0.95)
    assert point != 0 and low is None and high is None
    assert difference(row, row, 0.95) == [0.0, 0.0, 0.0]


def test_undefined_rows_have_undefined_differences(table):
    _, probabilities, draws = table
    row = scored(np.zeros((80, 2), int), probabilities, draws)
    assert difference(row, row, 0.95) == [None, None, None]
    assert set(table_metrics(row, 0.95).values()) == {None}


def test_table_metrics_have_four_decimals(table):
    metrics = table_metrics(scored(*table), 0.95)
    assert metrics["mAP_low"] < metrics["mAP"] < metrics["mAP_high"]
    assert metrics["mAP_medium"] is None and metrics["mAP_seed_sd"] is None
    for value in metrics.values():
        assert value is None or value == round(value, 4)


def test_seeds_are_averaged_and_two_alike_are_one(table):
    targets, probabilities, draws = table
    generator = np.random.default_rng(2)
    seeds = [probabilities, generator.random((80, 2)), generator.random((80, 2))]
    row, alone = scored(targets, *seeds, draws), [scored(targets, one, draws) for one in seeds]
    points = [one["mAP"].point for one in alone]
    assert row["mAP"].point == pytest.approx(np.mean(points))
    numbers = row_numbers(row, row, 0.95)
    assert numbers["seeds"] == [round(point, 4) for point in points]
    assert numbers["metrics"]["mAP_seed_sd"] == round(np.std(points, ddof=1), 4)
    assert row.classes["x"]["AP"] == pytest.approx(np.mean([one.classes["x"]["AP"] for one in alone]))
    same = scored(targets, probabilities, probabilities, draws)
    assert same["mAP"].interval(0.95) == pytest.approx(alone[0]["mAP"].interval(0.95))


def test_points_are_those_of_the_metrics(table):
    targets, probabilities, _ = table
    thresholds = best_thresholds(targets, probabilities)
    expected, _ = summarise(targets, probabilities, thresholds, CLASSES, GROUPS)
    found = {name: one.point for name, one in scored(*table).means.items()}
    assert found == pytest.approx(expected, nan_ok=True)
