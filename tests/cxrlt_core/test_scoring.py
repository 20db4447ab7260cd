import numpy as np
import pytest

from cxrlt_core.bootstrap import patient_draws
from cxrlt_core.scoring import difference, score, table_metrics

CLASSES = ["x", "y"]
GROUPS = {"x": "head", "y": "tail"}


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, size=(80, 2))
    draws = patient_draws(np.repeat(np.arange(40), 2), 300, seed=0)
    return targets, generator.random((80, 2)), draws


def scored(targets, probabilities, draws):
    return score(targets, probabilities, CLASSES, GROUPS, draws)


def test_samples_spread_about_the_point(table):
    row = scored(*table)
    for name in ("mAP", "mAP_head", "mAP_tail", "mAUROC"):
        low, high = row.interval(name, 0.95)
        assert low < row[name] < high
        assert row.standard_error(name) == pytest.approx(row.samples[name].std(ddof=1))
    assert np.isnan(row["mAP_medium"]) and np.isnan(row.interval("mAP_medium", 0.95)).all()
    np.testing.assert_allclose(row.samples["mAP"], (row.samples["mAP_head"] + row.samples["mAP_tail"]) / 2)


def test_a_row_against_itself_is_the_point(table):
    row = scored(*table)
    assert difference(row, row, 0.95) == (0.0, 0.0, 0.0)


def test_pairing_narrows_the_interval_of_a_difference(table):
    targets, probabilities, draws = table
    noise = np.random.default_rng(1).normal(scale=0.01, size=probabilities.shape)
    row, other = scored(targets, probabilities, draws), scored(targets, probabilities + noise, draws)
    point, low, high = difference(other, row, 0.95)
    alone = row.interval("mAP", 0.95)
    assert point == pytest.approx(other["mAP"] - row["mAP"])
    assert low < point < high
    assert 0 < high - low < 0.3 * (alone[1] - alone[0])


def test_one_patient_gives_no_interval(table):
    targets, probabilities, _ = table
    draws = patient_draws(["p"] * 80, 300, seed=0)
    row, other = scored(targets, probabilities, draws), scored(targets, 1 - probabilities, draws)
    assert np.isnan(row.interval("mAP", 0.95)).all() and np.isnan(row.standard_error("mAP"))
    point, low, high = difference(other, row, 0.95)
    assert point != 0 and np.isnan(low) and np.isnan(high)
    assert difference(row, row, 0.95) == (0.0, 0.0, 0.0)


def test_undefined_rows_have_undefined_differences(table):
    _, probabilities, draws = table
    row = scored(np.zeros((80, 2), int), probabilities, draws)
    assert np.isnan(difference(row, row, 0.95)).all()
    assert set(table_metrics(row, 0.95).values()) == {None}


def test_table_metrics_have_four_decimals(table):
    metrics = table_metrics(scored(*table), 0.95)
    assert metrics["mAP_low"] < metrics["mAP"] < metrics["mAP_high"]
    assert metrics["mAP_medium"] is None
    for value in metrics.values():
        assert value is None or value == round(value, 4)
