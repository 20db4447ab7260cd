from itertools import combinations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.subgroup_scores import score_kinds, score_subgroups
from cxrlt_core.evidence.subgroups import Subgroup, age_groups, sex_groups, view_groups
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import auroc, average_precision

CLASSES = ["Edema", "Hernia", "Mass"]
UNTOLD = Subgroup(None, None, None)


def as_set(targets: np.ndarray, patients: list[str]) -> EvaluationSet:
    draws = resample_patients(patients, 200, seed=0)
    return EvaluationSet(
        targets, count_classes(targets, draws, CLASSES, dict.fromkeys(CLASSES, "head"), 5), draws
    )


def made(noise: float, images: int = 3000) -> tuple[EvaluationSet, np.ndarray, dict[str, np.ndarray]]:
    """Two images a patient, some lateral, whose scores are noisier, and some of other views."""
    generator = np.random.default_rng(0)
    targets = (generator.random((images, 3)) < [0.3, 0.2, 0.1]).astype(np.int8)
    groups = view_groups(np.resize(["PA", "LATERAL", "AP", "LATERAL", "OTHER"], images))
    spread = np.where(groups["lateral"], 1 + noise, 1)[:, None]
    scores = generator.normal(1.5 * targets, spread, targets.shape)
    return as_set(targets, [f"{i // 2}" for i in range(images)]), scores, groups


def naive(data: EvaluationSet, scores: np.ndarray, which: np.ndarray, c: int) -> tuple[float, float]:
    """AUROC, and AP with positives of such a weight that they are as frequent as in the whole set."""
    known = which & (data.targets[:, c] != -1)
    target, all_known = data.targets[known, c], data.targets[data.targets[:, c] != -1, c]
    odds = (all_known == 1).sum() / (all_known == 0).sum()
    weight = np.where(target == 1, odds * (target == 0).sum() / (target == 1).sum(), 1.0)
    ap = average_precision_score(target, scores[known, c], sample_weight=weight)
    return roc_auc_score(target, scores[known, c]), ap


def test_ages_are_scored_as_scikit_learn_does_with_ties_and_unknown_labels():
    data, scores, _ = made(noise=0)
    scores, generator = scores.round(1), np.random.default_rng(1)
    data.targets[generator.random(data.targets.shape) < 0.1] = -1
    groups = age_groups(generator.choice([10, 30, 50, np.nan], len(scores)))
    found = score_subgroups(data, [scores], groups, 0.95)
    assert found.classes == CLASSES and [name for name, g in found.groups.items() if g.scored] == [
        *("0–17", "18–39", "40–59", "unknown")
    ]
    means = {
        name: np.mean([naive(data, scores, groups[name], c) for c in range(3)], axis=0)
        for name in groups
        if groups[name].any()
    }
    for name, mean in means.items():
        group = found.groups[name]
        assert (group.AUROC.point, group.matched_AP.point) == pytest.approx(tuple(mean), abs=5.1e-5)
        assert group.AUROC.low < group.AUROC.point < group.AUROC.high
        assert (
            group.images == groups[name].sum() and group.positives == (data.targets[groups[name]] == 1).sum()
        )
    del means["unknown"]
    for gap, metric in zip(found.gaps, (0, 1), strict=True):
        largest = max(abs(means[a][metric] - means[b][metric]) for a, b in combinations(means, 2))
        assert gap.pairs == 3 and gap.difference.point == pytest.approx(largest, abs=5.1e-5)


def test_each_part_is_scored_as_if_it_were_alone_and_the_gap_is_found():
    data, scores, groups = made(noise=1)
    found = score_kinds(data, [scores], {"view": groups}, 0.95)["view"]
    assert found.classes == CLASSES and list(found.groups) == ["frontal", "lateral"]
    for name, which in groups.items():
        group = found.groups[name]
        expected = auroc(data.targets[which], scores[which]).mean()
        assert group.AUROC.point == pytest.approx(expected, abs=5.1e-5)
        ap = average_precision(data.targets[which], scores[which]).mean()
        assert group.matched_AP.point == pytest.approx(ap, abs=0.02)  # prevalence is nearly the same
    for gap, metric in zip(found.gaps, ("AUROC", "matched_AP"), strict=True):
        assert (gap.metric, gap.better, gap.worse, gap.pairs) == (metric, "frontal", "lateral", 1)
        assert gap.difference.low > 0.05


def test_where_there_is_no_gap_its_interval_says_so():
    """Of two parts the gap is still the one of the better one, so it is never below 0."""
    data, scores, groups = made(noise=0)
    for gap in score_subgroups(data, [scores, scores], groups, 0.95).gaps:
        assert 0 <= gap.difference.point < 0.05 and gap.difference.low < 0


def test_the_largest_of_three_gaps_has_the_interval_of_three():
    data, scores, _ = made(noise=0)
    groups = age_groups(np.resize([10, 30, 50], len(scores)))
    gap = score_subgroups(data, [scores], groups, 0.95).gaps[0]
    pair = {name: groups[name] for name in (gap.better, gap.worse)}
    alone = score_subgroups(data, [scores], pair, 0.95).gaps[0]
    assert gap.difference.point == alone.difference.point and alone.pairs == 1
    widths = [one.difference.high - one.difference.low for one in (gap, alone)]
    assert widths[0] / widths[1] == pytest.approx(
        2.394 / 1.960, abs=0.01
    )  # normal quantiles of 5 %, and 5 % / 3


def test_classes_of_few_positives_in_a_part_count_nowhere_and_without_any_nothing_is_scored():
    data, scores, groups = made(noise=0)
    lateral = np.flatnonzero(groups["lateral"])
    data.targets[lateral, 0] = 0
    assert score_subgroups(data, [scores], groups, 0.95).classes == CLASSES[1:]
    data.targets[lateral] = -1
    found = score_subgroups(data, [scores], groups, 0.95)
    assert found.classes == found.gaps == [] and not any(group.scored for group in found.groups.values())
    assert found.groups["lateral"] == Subgroup(1200, 1200, None)  # all the same it is counted
    alone = score_subgroups(data, [scores], {"frontal": groups["frontal"]}, 0.95)
    assert alone.classes == [] and alone.groups["frontal"].images == 1200


def test_a_part_without_positives_takes_no_class_from_the_others_nor_does_unknown():
    data, scores, _ = made(noise=0)
    ages = np.resize([30.0, 50.0, 70.0, 90.0, np.nan], len(scores))
    data.targets[ages == 90] = 0
    data.targets[np.isnan(ages), 1:] = 0  # one class is left
    data.targets[ages == 70, 0] = 0
    found = score_subgroups(data, [scores], age_groups(ages), 0.95)
    assert found.classes == CLASSES[1:]  # 3 parts × 2 classes are more than 2 × 3
    scored = {name for name, group in found.groups.items() if group.scored}
    assert scored == {"18–39", "40–59", "60–79"} and found.gaps[0].pairs == 3
    for name in ("80+", "unknown"):
        assert found.groups[name].images == 600 and found.groups[name].positives is None


def test_positives_of_few_patients_are_not_enough():
    data, scores, _ = made(noise=0)
    few = np.arange(len(scores)) < 200
    data.resamples.patient[few] = np.arange(200) // 25  # 8 patients in place of 100
    sexes = sex_groups(np.where(few, "F", "M"))
    assert not score_subgroups(data, [scores], sexes, 0.95).gaps


def test_what_is_of_fewer_than_ten_patients_is_not_told():
    data, scores, _ = made(noise=0)
    sexes = np.resize(["F", "M"], len(scores))
    sexes[:18] = ""  # 9 patients
    found = score_subgroups(data, [scores], sex_groups(sexes), 0.95)
    assert found.groups["unknown"] == UNTOLD and found.groups["female"].scored
    sexes[18:20] = ""
    found = score_subgroups(data, [scores], sex_groups(sexes), 0.95)
    assert found.groups["unknown"] == Subgroup(20, 10, None)  # of no class have 10 of them a positive
    one = as_set(data.targets[:40], ["one"] * 40)
    found = score_subgroups(one, [scores[:40]], sex_groups(sexes[:40]), 0.95)
    assert set(found.groups.values()) == {UNTOLD} and found.classes == found.gaps == []
