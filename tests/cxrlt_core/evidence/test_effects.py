import json

import numpy as np
import pytest
from test_contrasts import designs

from cxrlt_core.evidence import effects
from cxrlt_core.evidence.contrasts import Design, find_pairs, judge, measure
from cxrlt_core.evidence.effects import Additivity, MainEffects, fit
from cxrlt_core.evidence.estimator import Sampled
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import TESTED, Score
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.params.schema import Evidence
from cxrlt_core.system.records import from_json, to_json

__all__ = ["designs"]  # a fixture


def rows(table: str) -> dict[str, dict[str, Design]]:
    """Rows such as ``00 10 01 11``: a digit is what the row has of design a, b, …"""
    return {
        row: {name: Design(digit, digit) for name, digit in zip("abc", row, strict=False)}
        for row in table.split()
    }


def effects_of(
    table: str, values: dict[str, float], seeds: int = 3, sizes: float = 0.001, published: dict | None = None
) -> MainEffects:
    """Test rows of given mAP, each with a little noise of its own."""
    generator = np.random.default_rng(0)
    scores = {}
    for row, value in values.items():
        points = value + generator.normal(0, sizes, seeds)
        deviations = generator.normal(0, sizes, (seeds, 200))
        sampled = Sampled(points, deviations, np.zeros(seeds))
        scores[row] = Score(dict.fromkeys(TESTED.values(), sampled), {})
    trainings = dict.fromkeys(TESTED.values(), generator.normal(0, sizes, (2, 8, seeds)))
    own, others = {row: (row, False) for row in values}, [f"other {number}" for number in range(8)]
    noise = PooledSeedVariance(own, others, trainings)
    scored = ScoredTable(scores, noise, 0.95, published or dict.fromkeys(values, 0.3))
    measured = measure(find_pairs(rows(table)), scored, None)
    _, [contrasts] = judge([measured], 0.95, Evidence(margin=0.002, min_positives=5))
    return effects.test_effects(rows(table), scored, contrasts)


def test_an_effect_has_an_interval_a_verdict_and_a_published_figure():
    values = {"00": 0.3, "10": 0.35, "01": 0.3, "11": 0.35}
    found = effects_of("00 10 01 11", values)
    first, _ = found.effects
    assert first.verdict == "exploratory: no verdict" and first.p < 0.001
    low, high = first.difference[1:]
    assert low < 0.05 < high and first.published == 0.0
    assert found.additivity.ways == 1 and found.additivity.p_adjusted > 0.05
    assert effects_of("00 10 01 11", {**values, "11": 0.25}).additivity.p_adjusted < 0.001
    assert from_json(MainEffects, json.loads(json.dumps(to_json(found), allow_nan=False))) == found
    figures = {"00": 0.3, "10": 0.32, "01": 0.31, "11": 0.35}
    found = effects_of("00 10 01 11", figures, published=figures).effects
    assert [one.published for one in found] == [0.03, 0.02]
    assert effects_of("00 10", figures, published={"00": None, "10": 0.3}).effects[0].published is None


def test_effects_are_those_of_least_squares():
    """Against numpy's solution, on values that do not add up."""
    table = rows("000 100 010 001 110 101 200 211")
    values = dict(zip(table, np.random.default_rng(0).normal(size=len(table)), strict=True))
    levels = ((0, "1"), (0, "2"), (1, "1"), (2, "1"))
    columns = [[1.0] * len(table), *([float(row[n] == its) for row in table] for n, its in levels)]
    solution = np.linalg.lstsq(np.array(columns).T, np.array(list(values.values())), rcond=None)[0]
    found = fit(table).effects
    assert list(found) == [("a", "0 → 1"), ("a", "0 → 2"), ("b", "0 → 1"), ("c", "0 → 1")]
    sums = [sum(w * values[row] for row, w in weights.items()) for weights in found.values()]
    np.testing.assert_allclose(sums, solution[1:])


def test_what_rows_cannot_tell_apart_is_not_estimable():
    """b and c are always together; a is free of them."""
    found = fit(rows("000 100 011 111"))
    assert found.effects["b", "0 → 1"] == found.effects["c", "0 → 1"] == {}
    assert found.effects["a", "0 → 1"] == {"000": -0.5, "100": 0.5, "011": -0.5, "111": 0.5}
    assert effects_of("00", {"00": 0.3}) == MainEffects([], Additivity(0, None))
    first, second = effects_of("00 11", {"00": 0.3, "11": 0.4}).effects
    assert first.verdict == second.verdict == "not estimable"
    assert first.difference == (None, None, None) and first.weights == {}
    assert (first.design, first.change) == ("a", "0 → 1")


def test_the_published_table_rests_on_pairs_mostly(designs):
    found = fit(designs)
    assert found.effects["separate", "off → ✓"] == {"1": -1.0, "2": 1.0}
    assert found.effects["TTA", "off → ✓"] == {"2": -1.0, "3": 1.0}
    text = found.effects["text encoder", "pubmedbert → clinical_t5"]
    assert text == {"6": 0.5, "7": -0.5, "8": 0.5, "9": -0.5}
    assert found.residuals == [{"6": 1.0, "7": -1.0, "8": -1.0, "9": 1.0}]  # the interaction


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_give_no_p(seeds):
    verdict = {1: "training noise not measured", 2: "two seeds: no verdict"}[seeds]
    found = effects_of("00 10 01 11", {"00": 0.3, "10": 0.35, "01": 0.3, "11": 0.35}, seeds)
    assert {one.verdict for one in found.effects} == {verdict}
    assert [one.p for one in found.effects] == [None, None]
    assert found.additivity.p_adjusted is None


def test_an_effect_that_is_one_pair_has_its_verdict_either_way_round():
    """b is varied in the last two rows alone, of which the second has what the first row has."""
    values = {"000": 0.3, "110": 0.3, "100": 0.4}
    found = {one.design: one for one in effects_of("000 110 100", values).effects}
    assert found["b"].weights == {"110": 1.0, "100": -1.0} and found["b"].verdict == "resolved down"
    assert found["a"].weights == {"000": -1.0, "100": 1.0} and found["a"].verdict == "resolved up"
    assert found["b"].difference.point < 0 < found["a"].difference.point
