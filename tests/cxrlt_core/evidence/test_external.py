import numpy as np
import pytest

from cxrlt_core.evidence.external import LEAST, Comparison, Frozen
from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.calibration import calibrate
from cxrlt_core.metrics.scores import auroc, average_precision

CLASSES = ["Edema", "Hernia", "Mass", "Nodule"]
GROUPS = dict.fromkeys(CLASSES, "head")


def hospital(seed: int, images: int = 1200) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N, 4), one known in ten unknown, and scores that tell as much of them as anywhere else."""
    generator = np.random.default_rng(seed)
    targets = (generator.random((images, 4)) < [0.4, 0.3, 0.2, 0.1]).astype(np.int8)
    scores = 1 / (1 + np.exp(-generator.normal(1.5 * targets - 1)))
    targets[generator.random(targets.shape) < 0.1] = -1
    return targets, scores.astype(np.float32)


def as_set(targets: np.ndarray, seed: int) -> EvaluationSet:
    draws = resample_patients([f"{i // 2}" for i in range(len(targets))], 200, seed)
    return EvaluationSet(targets, count_classes(targets, draws, CLASSES, GROUPS, LEAST), draws)


def compared(other: np.ndarray, test: np.ndarray, near: frozenset[str] = frozenset()) -> Comparison:
    return Comparison(as_set(other, 1), as_set(test, 0), near, 0.95)


def test_on_the_same_data_nothing_is_lost_and_the_interval_is_that_of_two_samples():
    targets, scores = hospital(0)
    comparison = compared(targets, targets)
    found = comparison.score(Frozen([scores], [], [scores]))
    same = found.means["exact"]
    assert same.AUROC_drop.point == same.AP_drop.point == 0 and same.matched_AP.point == same.AP.point
    assert same.own_AUROC == same.AUROC.point == pytest.approx(auroc(targets, scores).mean(), abs=5.1e-5)
    assert (
        same.own_AP == same.AP.point == pytest.approx(average_precision(targets, scores).mean(), abs=5.1e-5)
    )
    for drop, one in ((same.AUROC_drop, same.AUROC), (same.AP_drop, same.AP)):
        assert drop.low < 0 < drop.high  # of both sets, drawn apart: wider by the root of two
        assert (drop.high - drop.low) / (one.high - one.low) == pytest.approx(2**0.5, abs=0.15)
    assert all(one.AUROC_drop.point == one.AP_drop.point == 0 for one in found.classes.values())


def test_where_half_of_the_positives_are_gone_matched_ap_stays_and_plain_ap_does_not():
    targets, scores = hospital(1, 12_000)
    other, there = hospital(2, 12_000)
    generator = np.random.default_rng(3)
    gone = (other == 1) & (generator.random(other.shape) < 0.5)
    other = np.where(gone, -1, other)
    found = compared(other, targets).score(Frozen([there], [], [scores])).means["exact"]
    assert found.AUROC_drop.low < 0 < found.AUROC_drop.high and abs(found.AUROC_drop.point) < 0.01
    assert found.AP_drop.low < 0 < found.AP_drop.high and abs(found.AP_drop.point) < 0.015
    assert found.AP.high < found.own_AP - 0.08


def test_what_is_worse_there_is_lost_with_its_whole_interval():
    targets, scores = hospital(4)
    other, there = hospital(5)
    noise = np.random.default_rng(6).random(there.shape)
    found = compared(other, targets).score(Frozen([0.4 * there + 0.6 * noise], [], [scores])).means["exact"]
    assert found.AUROC_drop.low > 0.05 and found.AP_drop.low > 0.05


def test_near_classes_stand_apart_and_those_of_few_positives_have_no_ap_and_are_in_no_mean():
    targets, scores = hospital(7)
    other = targets.copy()
    other[:, 3] = -1  # not labelled there
    others = np.flatnonzero(other[:, 1] == 1)[LEAST - 1 :]
    other[others, 1] = 0  # one positive too few
    comparison = compared(other, targets, frozenset({"Mass"}))
    counts = comparison.counts
    assert [(name, one.kind, one.enough) for name, one in counts.items()] == [
        ("Edema", "exact", True), ("Hernia", "exact", False), ("Mass", "near", True),
    ]  # fmt: skip
    assert counts["Hernia"].positive == LEAST - 1 and counts["Hernia"].patients <= LEAST - 1
    assert (comparison.exact.targets[:, 2] == -1).all() and (
        comparison.exact.targets[:, :2] == other[:, :2]
    ).all()
    fits = [calibrate(targets, scores)]
    found = comparison.score(Frozen([scores], fits, [scores]))
    assert found.classes["Hernia"].AP.point is None and found.classes["Hernia"].AUROC.point is not None
    assert found.classes["Hernia"].AP_drop.point is None
    for kind, c in (("exact", 0), ("near", 2)):
        assert found.means[kind].AUROC.point == pytest.approx(auroc(other, scores)[c], abs=5.1e-5)
        assert 0 < found.means[kind].F1 < 1 and 0 <= found.means[kind].ECE_scaled < 1


def test_the_mean_over_seeds_has_the_error_of_patients_and_a_variant_has_no_own_score():
    targets, _ = hospital(8)
    other, there = hospital(9)
    comparison = compared(other, targets)
    one = comparison.score(Frozen([there])).means["exact"]
    both = comparison.score(Frozen([there, there])).means["exact"]
    assert both == one and one.own_AP is one.F1 is one.AUROC_drop.point is None
    assert one.AUROC.low < one.AUROC.point < one.AUROC.high
