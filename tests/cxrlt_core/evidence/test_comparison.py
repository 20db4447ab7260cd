"""Systems compared: the numbers of a study's rows, verdicts and what is warned of."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from cxrlt_core.evidence.comparison import compare
from cxrlt_core.evidence.family import (
    EQUIVALENT,
    IDENTICAL,
    NOT_A_LOOK,
    NOT_KNOWN,
    NOT_MEASURED,
    TOO_FEW,
    UNRESOLVED,
    UP,
)
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import TESTED, EvaluationSet
from cxrlt_core.evidence.scoring import count_classes as count
from cxrlt_core.evidence.systems import Labels, Rules, System
from cxrlt_core.evidence.trainings import pooled_seed_variance, score_rows
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.system.errors import StudyError

NAMES, RULES = ["Edema", "Mass", "Hernia"], Rules(resamples=200)


def made(images=400, patients=160, positives=(0.4, 0.2, 0.1), seed=0) -> Labels:
    generator = np.random.default_rng(seed)
    targets = (generator.random((images, 3)) < positives).astype(np.int8)
    targets[generator.random((images, 3)) < 0.1] = -1
    patient = [f"p{n % patients}" for n in range(images)]
    return Labels([f"{n}.png" for n in range(images)], patient, NAMES, targets)


def trained(labels, seeds=3, skill=0.3, seed=1, noise=0.0) -> System:
    """Predictions that know something, with ties; trainings differ in a fifth of what they do not know."""
    generator = np.random.default_rng(seed)
    shared = np.random.default_rng(99).random(labels.targets.shape)
    own = generator.random((seeds, *labels.targets.shape))
    skills = skill + noise * generator.normal(size=(seeds, 1, 1))
    scores = skills * (labels.targets == 1) + (1 - skills) * (0.8 * shared + 0.2 * own)
    return System(list(np.clip(scores, 0, 1).round(2)))


def pair(labels, *skills) -> dict[str, System]:
    """Systems a, b, … of some skill, with three seeds each."""
    return {"abcd"[n]: trained(labels, seed=n, skill=skill) for n, skill in enumerate(skills)}


@pytest.fixture(scope="module")
def labels():
    return made()


def test_two_systems_with_a_pool_have_the_numbers_of_two_rows_of_a_study(labels):
    systems = pair(labels, 0.2, 0.22, 0.24, 0.26)
    resamples = resample_patients(labels.patients, 200, 0)
    classes = count(labels.targets, resamples, NAMES, dict.fromkeys(NAMES, "head"), 5)
    data = EvaluationSet(labels.targets, classes, resamples)
    rows = {name: (name, False) for name in "ab"}

    def read(name, tta):
        return systems[name].seeds

    noise = pooled_seed_variance(data, rows, "cd", read)
    table = ScoredTable(score_rows(data, rows, read, labels.patients), noise, 0.95)
    found = compare(labels, {name: systems[name] for name in "ab"}, RULES, [systems["c"], systems["d"]])
    for name in "ab":
        numbers = table.row_numbers(name, "a")
        score = found.systems[name]
        assert (score.value, *score.interval) == tuple(
            numbers.metrics[key] for key in ("mAP", "mAP_low", "mAP_high")
        )
        assert score.std_error == numbers.std_errors["mAP"] and score.seeds == numbers.seeds
    (contrast,) = found.contrasts
    expected = table.contrast({"b": 1.0, "a": -1.0}, TESTED["mAP"])
    assert (contrast.difference, *contrast.interval) == tuple(expected.rounded(0.95))
    assert contrast.pair == ("b", "a") and contrast.p == round(expected.p_value(), 4)


@pytest.mark.parametrize(
    ("metric", "naive"),
    [("mAP", average_precision_score), ("mAUROC", roc_auc_score), ("Brier", brier_score_loss)],
)
def test_a_metric_is_that_of_known_labels(labels, metric, naive):
    systems, known = pair(labels, 0.3, 0.4), labels.targets >= 0
    found = compare(labels, systems, replace(RULES, metric=metric))
    for name, system in systems.items():
        values = [
            [naive(labels.targets[k, c], scores[k, c]) for c, k in enumerate(known.T)]
            for scores in system.seeds
        ]
        assert found.systems[name].value == pytest.approx(np.mean(values), abs=6e-5)
        assert found.systems[name].classes["Mass"] == pytest.approx(np.mean(values, axis=0)[1], abs=6e-5)
    assert found.higher_is_better == (metric != "Brier")
    assert list(found.to_json()["systems"]["a"])[:2] == [metric, "interval"]


@pytest.mark.parametrize("metric", ["mAP", "NLL_scaled", "micro_AP"])
def test_logits_say_what_their_probabilities_say(labels, metric):
    systems = pair(labels, 0.3, 0.3)
    clipped = {name: System([np.clip(s, 0.005, 0.995) for s in each.seeds]) for name, each in systems.items()}
    as_logits = {name: System([logit(s) for s in each.seeds]) for name, each in clipped.items()}
    rules = replace(RULES, metric=metric)
    found = compare(labels, as_logits, replace(rules, logits=True))
    assert found.contrasts == compare(labels, clipped, rules).contrasts


def test_pairs_are_one_family_in_the_order_given_and_no_verdict_contradicts_its_interval(labels):
    systems = pair(labels, 0.2, 0.22, 0.5)
    three = compare(labels, systems, RULES).contrasts
    assert [each.pair for each in three] == [("b", "a"), ("c", "a"), ("c", "b")]
    for each in three:
        assert each.p_adjusted == pytest.approx(min(1, 3 * each.p), abs=2e-4)
        assert (each.verdict == UP) == (each.interval[0] > 0) == (each.p_adjusted <= 0.05)
        assert each.interval[0] < each.interval_alone[0] and each.interval_alone[1] < each.interval[1]
    assert [each.verdict for each in three] == [UNRESOLVED, UP, UP]
    within = three[0].equivalent_within
    wide = compare(labels, systems, replace(RULES, margin=within + 0.0001)).contrasts[0]
    assert wide.verdict == EQUIVALENT
    assert compare(labels, systems, replace(RULES, margin=within - 0.0002)).contrasts[0].verdict == UNRESOLVED


def test_looks_share_the_error_rate_and_another_number_of_seeds_has_no_verdict(labels):
    systems = pair(labels, 0.2, 0.5)
    once, looked = (compare(labels, systems, replace(RULES, looks=looks)) for looks in ((), (3, 5, 10)))
    assert once.contrasts[0].verdict == looked.contrasts[0].verdict == UP
    assert looked.contrasts[0].p_adjusted == pytest.approx(3 * once.contrasts[0].p, abs=2e-4)
    assert looked.contrasts[0].interval[0] < once.contrasts[0].interval[0]
    assert looked.contrasts[0].interval_alone == once.contrasts[0].interval_alone
    other = compare(labels, systems, replace(RULES, looks=(5, 10)))
    assert other.contrasts[0].verdict == NOT_A_LOOK and None not in other.contrasts[0].interval
    assert "a: 3 seeds, expected a declared look: 5, 10" in other.warnings


@pytest.mark.parametrize(("seeds", "verdict"), [((1, 3), NOT_MEASURED), ((2, 4), TOO_FEW), ((4, 3), UP)])
def test_unequal_and_few_seeds(labels, seeds, verdict):
    systems = {"a": trained(labels, seeds[0], 0.2), "b": trained(labels, seeds[1], 0.6, seed=2)}
    found = compare(labels, systems, RULES)
    (contrast,) = found.contrasts
    assert contrast.verdict == verdict and contrast.seeds == seeds[::-1] and None not in contrast.interval
    assert (contrast.p is None) == (min(seeds) < 3)
    pooled = compare(labels, systems, RULES, [trained(labels, seed=5), trained(labels, seed=6)])
    assert "unequal numbers of seeds: such systems are not compared seed by seed" in pooled.warnings
    assert pooled.contrasts[0].verdict == verdict
    expected = {1: "one seed: training noise not measured, so no verdict", 2: "two seeds: no verdict"}
    assert (f"a: {expected.get(seeds[0])}" in found.warnings) == (seeds[0] < 3)


def test_identical_predictions_are_identical_and_different_ones_without_error_are_not_known(labels):
    a = trained(labels)
    perfect = [System([(labels.targets == 1) * high + low] * 3) for high, low in ((1.0, 0.0), (0.5, 0.25))]
    copy = System([scores.astype(np.float32) for scores in a.seeds])
    systems = {"a": a, "copy": copy, "perfect": perfect[0], "another": perfect[1]}
    found = compare(labels, systems, RULES)
    of = {each.pair: each for each in found.contrasts}
    assert of["copy", "a"].verdict == IDENTICAL and of["copy", "a"].interval == (0.0, 0.0)
    assert of["another", "perfect"].verdict == NOT_KNOWN and of["another", "perfect"].interval == (None, None)
    assert "perfect: two seeds predict the same, expected trainings that differ" in found.warnings


@pytest.mark.parametrize("patients", [1, 9])
def test_few_patients_say_nothing_of_others(patients):
    labels = made(200, patients)
    found = compare(
        labels, {"a": trained(labels), "b": trained(labels, skill=0.6)}, replace(RULES, metric="F1")
    )
    assert found.contrasts[0].verdict == NOT_KNOWN and found.contrasts[0].interval == (None, None)
    assert found.systems["a"].value is not None and found.systems["a"].interval == (None, None)
    assert any(line.startswith(f"{patients} patients: ") for line in found.warnings)


def test_rare_and_undefined_classes_are_left_out_by_name(labels):
    targets = labels.targets.copy()
    targets[:, 0] = np.where(targets[:, 0] == 0, -1, targets[:, 0])  # no negative
    targets[:, 2] = np.where(np.arange(400) < 3, 1, 0)
    rare = replace(labels, targets=targets)
    systems = pair(rare, 0.3, 0.6)
    found = compare(rare, systems, RULES)
    lines = "left out, without a known positive or a known negative: Edema"
    assert lines in found.warnings
    assert "left out of differences, fewer than 5 patients with or without: Hernia (3)" in found.warnings
    classes = [found.systems[name].classes for name in "ba"]
    assert classes[0]["Edema"] is None and found.systems["b"].value == pytest.approx(
        (classes[0]["Mass"] + classes[0]["Hernia"]) / 2, abs=1e-4
    )
    assert found.contrasts[0].difference == pytest.approx(classes[0]["Mass"] - classes[1]["Mass"], abs=1e-4)
    targets[:, 2] = np.where(np.arange(400) < 7, 1, 0)
    assert (
        "noise is understated, fewer than 10 patients with or without: Hernia (7)"
        in compare(replace(rare, targets=targets), systems, RULES).warnings
    )


def test_a_pool_narrows_what_few_seeds_know_and_its_own_systems_are_said(labels):
    systems = {name: trained(labels, seed=n, noise=0.03) for n, name in enumerate("ab")}
    pool = [trained(labels, seed=n, noise=0.03) for n in range(2, 8)]
    alone, pooled = (compare(labels, systems, RULES, more) for more in ([], pool))
    widths = [each.contrasts[0].interval[1] - each.contrasts[0].interval[0] for each in (alone, pooled)]
    assert widths[1] < widths[0] and not pooled.warnings
    doubled = compare(labels, systems, RULES, [*pool, systems["a"]])
    assert doubled.warnings == [
        "the pool holds trainings of the systems themselves, whose noise then counts twice"
    ]


def test_what_cannot_be_compared_is_a_line(labels):
    a = trained(labels)
    with pytest.raises(StudyError, match=r"^1 system, expected two or more to compare$"):
        compare(labels, {"a": a})
    with pytest.raises(StudyError, match=r"^no metric 'mAPP', did you mean 'mAP'"):
        compare(labels, {"a": a, "b": a}, Rules(metric="mAPP"))
    nothing = replace(labels, targets=np.full_like(labels.targets, -1))
    with pytest.raises(StudyError, match=r"^no class has a known positive and a known negative"):
        compare(nothing, {"a": a, "b": a})
