import numpy as np
import pytest

from cxrlt_core.evidence.family import NOT_KNOWN, NOT_MEASURED, Family
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import EvaluationSet, Score, ap_of, count_classes, score_row
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.calibration import calibrate
from cxrlt_core.metrics.metric import means
from cxrlt_core.metrics.scores import average_precision, point_metrics, resample_ranks

CLASSES = ["x", "y"]
GROUPS = {"x": "head", "y": "tail"}
SUMMARY = [mean.name for mean in means()]
ALONE = PooledSeedVariance({}, [], {})  # no other training to pool with


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, size=(80, 2))
    resamples = resample_patients(np.repeat(np.arange(40), 2), 300, seed=0)
    return targets, generator.random((80, 2)), resamples


def scored(targets, *probabilities_and_draws, least: int = 5) -> Score:
    """Score predictions of one or several seeds."""
    *probabilities, resamples = probabilities_and_draws
    fits = [calibrate(targets, one) for one in probabilities]
    classes = count_classes(targets, resamples, CLASSES, GROUPS, least)
    return score_row(EvaluationSet(targets, classes, resamples), probabilities, fits)


def of(row: Score, first: Score | None = None) -> ScoredTable:
    """A table of two rows, which no other training tells anything of."""
    return ScoredTable({"row": row, "first": first or row}, ALONE, 0.95)


def test_samples_spread_about_the_point(table):
    row = scored(*table)
    expected, _ = point_metrics(*table[:2], calibrate(*table[:2]), CLASSES, GROUPS)
    assert {name: row[name].point for name in SUMMARY} == pytest.approx(expected, nan_ok=True)
    assert of(row).row_numbers("row", "first").difference == (0, 0, 0)
    assert of(row).row_numbers("row", "row").difference == (0, 0, 0)
    for name in SUMMARY:
        one = of(row).contrast({"row": 1.0}, name)
        low, high = one.interval(0.95)
        if name == "mAP_medium":
            assert np.isnan([one.point, low, high]).all()
            continue
        assert low < one.point < high
        assert one.std_error == pytest.approx(row[name].deviations[0].std(ddof=1))
        assert row[name].deviations.mean() == pytest.approx(0)
    halves = row["mAP_head"].deviations + row["mAP_tail"].deviations
    np.testing.assert_allclose(row["mAP"].deviations, halves / 2)


def test_a_class_that_a_resample_lacks_deviates_by_nothing():
    """With the other class alone the mean would jump between two levels."""
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 2, size=(60, 2))
    targets[:, 1] = 0
    targets[:2, 1] = 1  # two patients: one resample in seven or so has none of them
    scores, resamples = generator.random((60, 2)), resample_patients(np.arange(60), 400, seed=0)
    found = resample_ranks(targets, scores, resamples)["AP"]
    lacking = np.isnan(found[:, 1])
    assert 20 < lacking.sum() < 120
    row = scored(targets, scores, resamples)
    common = found[:, 0] - found[:, 0].mean()
    np.testing.assert_allclose(row["mAP"].deviations[0][lacking], common[lacking] / 2)
    rare = found[~lacking, 1] - found[~lacking, 1].mean()
    np.testing.assert_allclose(row["mAP"].deviations[0][~lacking], (common[~lacking] + rare) / 2)


def test_small_sample_bias_is_what_the_resamples_lie_above_the_point(table):
    targets, probabilities, resamples = table
    found = resample_ranks(targets, probabilities, resamples)["AP"]
    expected = (2 * average_precision(targets, probabilities) - found.mean(axis=0)).mean()
    row = scored(*table)
    assert row["mAP"].corrected == pytest.approx(expected) and expected < row["mAP"].point
    numbers = of(row).row_numbers("row", "row")
    assert numbers.metrics["mAP_corrected"] == round(expected, 4)


def test_average_precision_of_few_positives_is_corrected_the_right_way():
    """Over many samples of 100 images the corrected mean is nearer to that of a large sample."""
    generator = np.random.default_rng(0)

    def sample(images: int) -> tuple[np.ndarray, np.ndarray]:
        targets = (generator.random((images, 2)) < 0.08).astype(int)
        targets[0], targets[1] = 1, 0
        return targets, targets * 1.5 + generator.normal(size=(images, 2))

    truth = average_precision(*sample(200_000)).mean()
    rows = []
    for _ in range(150):
        targets, scores = sample(100)
        resamples = resample_patients(np.arange(100), 100, 0)
        rows.append(scored(targets, 1 / (1 + np.exp(-scores)), resamples)["mAP"])
    plain, corrected = (np.mean([getattr(row, key) for row in rows]) for key in ("point", "corrected"))
    assert plain > truth + 0.02 and abs(corrected - truth) < 0.7 * (plain - truth)


def test_rare_classes_are_counted_by_patient_and_bear_no_verdict(table):
    targets, probabilities, resamples = table
    targets = targets.copy()
    targets[8:, 1] = 0
    targets[:8, 1] = 1  # eight images of four patients
    row = scored(targets, probabilities, resamples)
    assert row.classes["y"]["positive"] == 8 and row.classes["y"]["patients"] == 4
    ap = average_precision(targets, probabilities)
    assert row["tested_mAP"].point == pytest.approx(ap[0])
    assert row["mAP"].point == pytest.approx(ap.mean()) and np.isnan(row["tested_mAP_tail"].point)
    all_of_them = scored(targets, probabilities, resamples, least=4)
    assert all_of_them["tested_mAP"].point == pytest.approx(ap.mean())


def test_pairing_narrows_the_interval_of_a_difference(table):
    targets, probabilities, resamples = table
    noise = np.random.default_rng(1).normal(scale=0.01, size=probabilities.shape)
    row, other = scored(targets, probabilities, resamples), scored(targets, probabilities + noise, resamples)
    point, low, high = of(other, row).row_numbers("row", "first").difference
    alone = of(row).contrast({"row": 1.0}, "mAP").interval(0.95)
    assert point == pytest.approx(other["mAP"].point - row["mAP"].point, abs=5.1e-5)
    assert low < point < high
    assert 0 < high - low < 0.3 * (alone[1] - alone[0])


@pytest.mark.parametrize(("seeds", "patients"), [(1, 1), (1, 9), (3, 1), (3, 9)])
def test_few_patients_give_points_and_neither_interval_nor_verdict(table, patients, seeds):
    targets, resamples = table[0], resample_patients(np.arange(80) % patients, 50, seed=0)
    others = np.random.default_rng(1).random((2, seeds, 80, 2))
    rows = {name: scored(targets, *its, resamples) for name, its in zip("ab", others, strict=True)}
    for weights in ({"a": 1.0}, {"a": 1.0, "b": -1.0}):
        one = ScoredTable(rows, ALONE, 0.95).contrast(weights, "mAP")
        assert np.isfinite(one.point) and np.isnan(one.std_error) and np.isnan(one.interval(0.95)).all()
        expected = NOT_KNOWN if seeds == 3 else NOT_MEASURED
        judged = Family(0.95, 0.002, 1).judge(one)
        assert judged.verdict == expected and judged.simultaneous == (None, None)
    numbers = ScoredTable(rows, ALONE, 0.95).row_numbers("a", "b")
    assert numbers.metrics["mAP"] is not None and numbers.metrics["mAP_low"] is None
    ten = scored(targets, others[0, 0], resample_patients(np.arange(80) % 10, 50, seed=0))
    assert of(ten).contrast({"row": 1.0}, "mAP").std_error > 0


def test_numbers_have_four_decimals_or_are_undefined(table):
    metrics = of(scored(*table)).row_numbers("row", "row").metrics
    assert metrics["mAP_low"] < metrics["mAP"] < metrics["mAP_high"]
    assert metrics["mAP_medium"] is None and metrics["mAP_seed_sd"] is None
    assert set(metrics) == {*SUMMARY, "mAP_low", "mAP_high", "mAP_corrected", "mAP_seed_sd"}
    for value in metrics.values():
        assert value is None or value == round(value, 4)
    nothing = scored(np.zeros((80, 2), int), *table[1:])
    numbers = of(nothing).row_numbers("row", "first")
    assert numbers.difference == (None, None, None) and set(numbers.metrics.values()) == {None}


def test_seeds_are_averaged_and_two_alike_are_one(table):
    targets, probabilities, resamples = table
    generator = np.random.default_rng(2)
    seeds = [probabilities, generator.random((80, 2)), generator.random((80, 2))]
    row, alone = scored(targets, *seeds, resamples), [scored(targets, one, resamples) for one in seeds]
    points = [one["mAP"].point for one in alone]
    assert row["mAP"].point == pytest.approx(np.mean(points))
    numbers = of(row).row_numbers("row", "row")
    assert numbers.seeds == [round(point, 4) for point in points]
    assert numbers.metrics["mAP_seed_sd"] == round(np.std(points, ddof=1), 4)
    assert row.classes["x"]["AP"] == pytest.approx(np.mean([one.classes["x"]["AP"] for one in alone]))
    same = scored(targets, probabilities, probabilities, resamples)
    intervals = [of(one).contrast({"row": 1.0}, "mAP").interval(0.95) for one in (same, alone[0])]
    assert intervals[0] == pytest.approx(intervals[1])


def test_each_class_is_a_mean_with_an_interval_of_its_own(table):
    targets, probabilities, resamples = table
    row, other = scored(targets, probabilities, resamples), scored(targets, 1 - probabilities, resamples)
    ap = average_precision(targets, probabilities)
    assert [row[ap_of(name)].point for name in CLASSES] == pytest.approx(list(ap))
    halves = row[ap_of("x")].deviations + row[ap_of("y")].deviations
    np.testing.assert_allclose(halves / 2, row["mAP"].deviations)
    found = of(row, other).class_numbers({"row": 1.0, "first": -1.0})
    change = ap - average_precision(targets, 1 - probabilities)
    for name, expected in zip(CLASSES, change, strict=True):
        point, low, high = found[name]
        assert point == round(expected, 4) and low < point < high
    described = of(row).class_scores("row")
    assert described["y"]["AP_low"] < described["y"]["AP"] < described["y"]["AP_high"]
    assert described["y"]["positive"] == row.classes["y"]["positive"]
