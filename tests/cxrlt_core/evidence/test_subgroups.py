import numpy as np
import pytest

from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.subgroups import score_subgroups, view_groups
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import auroc, average_precision

CLASSES = ["Edema", "Hernia", "Mass"]


def made(noise: float, images: int = 3000) -> tuple[EvaluationSet, np.ndarray, dict[str, np.ndarray]]:
    """Two images a patient, some lateral, whose scores are noisier, and some of other views."""
    generator = np.random.default_rng(0)
    targets = (generator.random((images, 3)) < [0.3, 0.2, 0.1]).astype(np.int8)
    groups = view_groups(np.resize(["PA", "LATERAL", "AP", "LATERAL", "OTHER"], images))
    spread = np.where(groups["lateral"], 1 + noise, 1)[:, None]
    scores = generator.normal(1.5 * targets, spread, targets.shape)
    draws = resample_patients([f"{i // 2}" for i in range(images)], 200, seed=0)
    classes = count_classes(targets, draws, CLASSES, dict.fromkeys(CLASSES, "head"), 5)
    return EvaluationSet(targets, classes, draws), scores, groups


def test_each_part_is_scored_as_if_it_were_alone_and_the_gap_is_found():
    data, scores, groups = made(noise=1)
    found = score_subgroups(data, [scores], groups, 0.95)
    assert found.classes == CLASSES and list(found.groups) == ["frontal", "lateral"]
    for name, which in groups.items():
        group = found.groups[name]
        expected = auroc(data.targets[which], scores[which]).mean()
        assert group.AUROC.point == pytest.approx(expected, abs=5.1e-5)
        assert (group.images, group.positives) == (which.sum(), (data.targets[which] == 1).sum())
        ap = average_precision(data.targets[which], scores[which]).mean()
        assert group.matched_AP.point == pytest.approx(ap, abs=0.02)  # prevalence is nearly the same
    for gap, metric in zip(found.gaps, ("AUROC", "matched_AP"), strict=True):
        assert (gap.metric, gap.better, gap.worse) == (metric, "frontal", "lateral")
        first, second = (getattr(found.groups[name], metric).point for name in (gap.better, gap.worse))
        assert gap.difference.point == pytest.approx(first - second, abs=1.1e-4) and gap.difference.low > 0.05


def test_where_there_is_no_gap_its_interval_says_so():
    """Of two parts the gap is still the one of the better one, so it is never below 0."""
    data, scores, groups = made(noise=0)
    for gap in score_subgroups(data, [scores, scores], groups, 0.95).gaps:
        assert 0 <= gap.difference.point < 0.05 and gap.difference.low < 0


def test_classes_of_few_positives_in_a_part_count_nowhere_and_without_any_there_is_nothing():
    data, scores, groups = made(noise=0)
    lateral = np.flatnonzero(groups["lateral"])
    data.targets[lateral, 0] = 0
    assert score_subgroups(data, [scores], groups, 0.95).classes == CLASSES[1:]
    data.targets[lateral] = -1
    assert score_subgroups(data, [scores], groups, 0.95) is None
    assert score_subgroups(data, [scores], view_groups(["PA"] * len(scores)), 0.95) is None
