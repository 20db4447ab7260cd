from dataclasses import replace

import numpy as np
import pytest

from cxrlt_core.designs.ensemble import Ensemble
from cxrlt_core.evidence.ensembles import Members, gap_of_plain_mean, optimism, score_ensemble, score_singles
from cxrlt_core.evidence.model_choice import Choice
from cxrlt_core.evidence.scoring import EvaluationSet, count_classes
from cxrlt_core.evidence.seed_variance import orthogonal_array
from cxrlt_core.evidence.selection import selection_variance
from cxrlt_core.metrics.bootstrap import resample_patients
from cxrlt_core.metrics.scores import CPU, average_precision

NAMES, GROUPS = ["a", "b", "c"], {"a": "head", "b": "medium", "c": "tail"}


def made(generator, number: int, seeds: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Three classes, of which four models know little each."""
    targets = (generator.random((number, 3)) < [0.4, 0.3, 0.2]).astype(int)
    skill = np.linspace(0.5, 1, 4)[:, None, None]
    models = [skill * targets + generator.normal(size=(4, number, 3)) for _ in range(seeds)]
    return targets, [(1 / (1 + np.exp(-one))).astype(np.float32) for one in models]


@pytest.fixture(scope="module", params=[1, 2])
def members(request) -> Members:
    generator = np.random.default_rng(0)
    (targets, on_dev), (test, on_test) = (made(generator, n, request.param) for n in (150, 200))
    of_dev, of_test = (resample_patients(np.arange(n), 100, 0) for n in (150, 200))
    settings = Ensemble(members=None, top_k=2, prior_positives=5)
    choices = [Choice.of(targets, one, of_dev, settings, CPU) for one in on_dev]
    data = EvaluationSet(test, count_classes(test, of_test, NAMES, GROUPS, 5), of_test)
    return Members(["first", "second", "third", "fourth"], range(request.param), choices, on_test, data)


@pytest.fixture(scope="module")
def scored(members):
    return {how: score_ensemble(members, how) for how in ("model_wise", "class_wise", "bagged", "shrunk")}


def test_errors_of_selection_are_those_of_who_chooses_and_paired(scored, members):
    score = scored["model_wise"].score
    assert selection_variance(score["mAP"].choices) == pytest.approx(0, abs=1e-20)
    assert selection_variance(scored["class_wise"].score["mAP"].choices) > 0
    assert np.abs(score["F1"].choices).max() > 0 and np.abs(score["Brier"].choices).max() == 0
    # the same development patients choose for each row: what they do to both cancels in a difference
    rows = {method: found.score["mAP"].choices for method, found in scored.items()}
    assert rows["bagged"].shape == (len(members.choices), 100, 26)
    correlation = np.corrcoef(rows["class_wise"][0, :, 0], rows["shrunk"][0, :, 0])[0, 1]
    assert correlation > 0.9


def test_optimism_is_what_is_lost_beyond_the_plain_mean(scored, members):
    plain = gap_of_plain_mean(members)
    assert optimism(scored["model_wise"].gap, plain, 0.95) == (0, 0, 0)
    found = scored["class_wise"]
    assert found.gap.dev.choices.shape[1:] == (100, 1) and found.gap.dev.choices.std() > 0
    point, low, high = optimism(found.gap, plain, 0.95)
    assert low < point < high
    on_dev, _ = members.combine([one.weights("class_wise") for one in members.choices])
    dev = np.mean([average_precision(members.choices[0].targets, its) for its in on_dev])
    test = np.mean([average_precision(members.test.targets, its) for its in found.predictions])
    assert len(on_dev) == len(found.predictions)
    assert point == pytest.approx(dev - test - plain.size.point, abs=1e-4)


def test_some_models_keep_what_is_known_of_them_and_ensembles_take_each_from_its_seed(members):
    some = members.among([True, False, True, True])
    choice, part = members.choices[0], some.choices[0]
    np.testing.assert_array_equal(part.ap, choice.ap[[0, 2, 3]])
    np.testing.assert_array_equal(part.resampled_ap, choice.resampled_ap[[0, 2, 3]])
    np.testing.assert_array_equal(some.on_test[0], members.on_test[0][[0, 2, 3]])
    assert some.names == ["first", "third", "fourth"]
    array = orthogonal_array(4, len(members.choices))
    found = members.recombine({"row": "model_wise"}, array)
    if not len(array):
        assert found == {}
        return
    mean = np.mean([members.on_test[seed][m] for m, seed in enumerate(array[3])], axis=0)
    expected = average_precision(members.test.targets, mean).mean()
    assert found["row"]["mAP"][3] == pytest.approx(expected, abs=1e-6)


def test_single_members_are_the_first_and_the_best_and_have_the_noise_of_all(members):
    found = score_singles(members, 0.95)
    best = int(np.mean([choice.ap.mean(axis=1) for choice in members.choices], axis=0).argmax())
    assert [single.variant for single in found.values()] == ["first", members.names[best]] and best > 0
    for role, number in (("base", 0), ("best single", best)):
        each = [average_precision(members.test.targets, seed[number]) for seed in members.on_test]
        ap = np.mean(each, axis=0)
        for name, expected in zip(NAMES, ap, strict=True):
            its = found[role].classes[name]
            assert its["AP"] == pytest.approx(expected) and its["AP_low"] < its["AP"] < its["AP_high"]
    # a member that other seeds make another widens the intervals of the first one, which stays as it was
    if len(members.choices) == 1:
        return

    def width(on_test: list[np.ndarray]) -> float:
        its = score_singles(replace(members, on_test=on_test), 0.95)
        return its["base"].classes["a"]["AP_high"] - its["base"].classes["a"]["AP_low"]

    noisy = [one.copy() for one in members.on_test]
    noisy[1][3] = 1 - noisy[1][3]
    assert width(noisy) > 1.5 * width(members.on_test)
