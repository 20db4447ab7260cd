import json
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from cxrlt_core.evidence.contrasts import (
    Contrast,
    Design,
    find_interactions,
    find_pairs,
    judge,
    measure,
    published_steps,
)
from cxrlt_core.evidence.estimator import Sampled
from cxrlt_core.evidence.scored_table import ScoredTable
from cxrlt_core.evidence.scoring import TESTED, Score
from cxrlt_core.evidence.seed_variance import PooledSeedVariance
from cxrlt_core.params.schema import Evidence
from cxrlt_core.reporting.designs import row_designs
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.records import from_json, to_json
from tests.architecture import ROOT


@pytest.fixture
def designs() -> dict[str, dict[str, Design]]:
    """The designs of the published Table 1, by number of the row."""
    params = parse_params(yaml.safe_load((ROOT / "profiles/paper.yaml").read_text()))
    return {str(n): row_designs(params, row) for n, row in enumerate(params.table1, 1)}


POINTS = (0.3187, 0.3193, 0.3220, 0.3273, 0.3236, 0.3273, 0.3247, 0.3244, 0.3280)
PUBLISHED = dict(zip("123456789", POINTS, strict=True))


def score(value: float, seeds: int = 3, spread: float = 0.01, seed: int = 0) -> Score:
    """A row around a value, its deviations and a little of its own for each seed."""
    generator = np.random.default_rng(seed)
    points = value + generator.normal(0, 0.001, seeds)
    deviations = np.random.default_rng(99).normal(0, spread, 400) + generator.normal(0, 0.001, (seeds, 400))
    return Score(dict.fromkeys(TESTED.values(), Sampled(points, deviations, np.zeros(seeds))), {})


def noise(rows, seeds: int = 3, size: float = 0.001) -> PooledSeedVariance:
    """Rows that are trainings of their own, with TTA none of them."""
    trainings = np.random.default_rng(4).normal(0, size, (2, 8, seeds))
    own, others = {row: (row, False) for row in rows}, [f"other {number}" for number in range(8)]
    return PooledSeedVariance(own, others, dict.fromkeys(TESTED.values(), trainings))


def plain(**values: str) -> dict[str, Design]:
    return {name: Design(text, text) for name, text in values.items()}


def test_table_1_has_nine_pairs_and_one_interaction(designs):
    pairs = find_pairs(designs)
    assert {(p.design, p.reference, p.row) for p in pairs} == {
        ("separate", "1", "2"), ("TTA", "2", "3"), ("reweight", "3", "4"), ("image encoder", "4", "5"),
        ("MixUp", "4", "9"), ("text encoder", "6", "7"), ("text encoder", "8", "9"),
        ("reweight", "6", "8"), ("reweight", "7", "9"),
    }  # fmt: skip
    assert next(p.change for p in pairs if p.row == "4") == "off → 2"
    squares = find_interactions(pairs)
    assert len(squares) == 1
    corners = {squares[0].first.row, squares[0].first.reference, squares[0].second.row}
    assert corners | {squares[0].second.reference} == {"6", "7", "8", "9"}


def test_published_differences_and_their_difference(designs):
    pairs = find_pairs(designs)
    scores = {name: score(0.3, seed=int(name)) for name in designs}
    table = ScoredTable(scores, noise(designs), 0.95, PUBLISHED)
    found = judged([*pairs, *find_interactions(pairs)], table)
    assert [one.family for one in found] == ["primary"] * 10
    by_rows = {tuple(one.rows): one for one in found}
    assert by_rows["2", "1"].published == 0.0006 and by_rows["9", "4"].published == 0.0007
    square = found[-1]
    a, b, c, d = (PUBLISHED[name] for name in square.rows)
    assert square.published == pytest.approx((a - b) - (c - d)) and abs(square.published) == 0.0062
    points = {name: scores[name]["tested_mAP"].point for name in designs}
    a, b, c, d = (points[name] for name in square.rows)
    assert square.difference[0] == pytest.approx((a - b) - (c - d), abs=5.1e-5)
    # one of the two changes of text encoder helps, the other hurts: the sign flips in the published table
    texts = [one.published for one in found if one.what == "text encoder"]
    assert min(texts) < 0 < max(texts)


def test_pairs_differ_in_one_design_and_are_named_by_content():
    """What a table shows alike is still another design, and what has another name may be the same."""
    designs = {
        "a": {"loss": Design("", {"kind": "bce", "smooth": 0}, "bce")},
        "b": {"loss": Design("", {"kind": "bce", "smooth": 0.1}, "smooth")},
        "c": {"loss": Design("other", {"kind": "bce", "smooth": 0}, "other")},
    }
    found = [(p.reference, p.row, p.change) for p in find_pairs(designs)]
    assert found == [("a", "b", "bce → smooth"), ("b", "c", "off → other")]
    designs = {"a": plain(x="1", y=""), "b": plain(x="2", y=""), "c": plain(x="2", y="✓")}
    assert [(p.reference, p.row) for p in find_pairs(designs)] == [("a", "b"), ("b", "c")]
    assert find_pairs({"a": plain(x="1"), "b": plain(x="1")}) == []


def judged(comparisons, table, primary=None, looks=None) -> list[Contrast]:
    evidence = Evidence(margin=0.002, min_positives=5, primary=primary, looks=looks)
    _, [found] = judge([measure(comparisons, table, primary)], table.level, evidence)
    return found


PAIR = {"a": plain(x="1"), "b": plain(x="2")}
FIGURES = {"a": 0.3, "b": 0.31}


def contrasts_of(scores, designs=PAIR, published=FIGURES, seeds=3, **declared):
    table = ScoredTable(scores, noise(designs, seeds), 0.95, published)
    return judged(find_pairs(designs, declared.get("primary")), table, **declared)


@pytest.mark.parametrize(
    ("seeds", "gap", "verdict"),
    [(3, -0.1, "resolved down"), (2, 0.1, "two seeds: no verdict"), (1, 0.1, "training noise not measured")],
)
def test_verdicts_and_what_is_withheld(seeds, gap, verdict):
    scores = {"a": score(0.3, seeds, seed=1), "b": score(0.3 + gap, seeds, seed=2)}
    [one] = contrasts_of(scores, seeds=seeds)
    assert one.verdict == verdict and one.published == 0.01
    assert one.difference[0] == pytest.approx(gap, abs=0.005)
    withheld = [one.p, one.p_adjusted, one.equivalent_within, *one.detectable.values()]
    assert all((value is None) == (seeds < 3) for value in withheld)
    assert None not in one.difference + one.simultaneous


def test_rows_without_a_published_figure_are_not_judged():
    """So a row that somebody adds moves no verdict and no interval of the published ones."""
    rows = {name: plain(x=name) for name in "abc"}
    scores = {name: score(0.3 + 0.0045 * n, seed=n) for n, name in enumerate("abc")}
    figures = {**FIGURES, "c": None}
    found = contrasts_of(scores, rows, figures)
    assert [(one.family, one.rows) for one in found] == [
        ("primary", ["b", "a"]), ("exploratory", ["c", "a"]), ("exploratory", ["c", "b"]),
    ]  # fmt: skip
    alone = contrasts_of(scores, {name: rows[name] for name in "ab"})
    assert alone == found[:1] and found[0].p == found[0].p_adjusted
    assert found[1].published is found[1].p_adjusted is None and found[2].p < 0.05
    assert {one.verdict for one in found[1:]} == {"exploratory: no verdict"}
    assert {one.simultaneous for one in found[1:]} == {(None, None)}


def test_what_a_study_declares_is_judged_whatever_is_published():
    """Rows that differ in several designs are called by all of them."""
    rows = {name: plain(x=name, y="✓" if name == "c" else "") for name in "abc"}
    scores = {name: score(0.3 + 0.05 * n, seed=n) for n, name in enumerate("abc")}
    found = contrasts_of(scores, rows, {}, primary=[["c", "a"]])
    assert [(one.family, one.rows, one.what, one.change, one.verdict) for one in found] == [
        ("primary", ["c", "a"], "x + y", "a → c", "resolved up"),
        ("exploratory", ["b", "a"], "x", "a → b", "exploratory: no verdict"),
    ]
    assert contrasts_of(scores, rows, FIGURES, primary=[])[0].family == "exploratory"
    undeclared = contrasts_of(scores, rows, FIGURES, looks=[5])
    assert undeclared[0].verdict == "no declared look: no verdict"


def test_both_tables_are_one_family_that_its_looks_share():
    rows = {"a": score(0.3, seed=1), "b": score(0.31, seed=2)}
    table = ScoredTable(rows, noise("ab"), 0.95, FIGURES)
    measured = measure(find_pairs(PAIR), table, None)
    evidence = Evidence(margin=0.002, min_positives=5, looks=[3, 5, 10])
    family, (first, second) = judge([measured, measured], 0.95, evidence)
    assert (family.tests, family.intervals) == (2, 6) and first == second
    estimate = measured[0].estimates["mAP"]
    assert first[0].simultaneous == estimate.rounded(0.95, 6)[1:] and first[0].p_adjusted == 6 * first[0].p


def test_predictions_that_are_the_same_are_identical_and_others_without_error_are_not_known():
    """Two models that rank everything right: nothing that resamples change, and not the same predictions."""
    still = Sampled(np.ones(3), np.zeros((3, 400)), np.zeros(3))
    means, pair = dict.fromkeys(TESTED.values(), still), find_pairs(PAIR)
    for digests, verdict in (("x", "identical"), ("y", "error not known: no verdict")):
        scores = {"a": Score(means, {}, ("x",) * 3), "b": Score(means, {}, (digests,) * 3)}
        [found] = judged(pair, ScoredTable(scores, noise("ab"), 0.95, FIGURES))
        assert found.verdict == verdict
        assert found.simultaneous == ((0.0, 0.0) if verdict == "identical" else (None, None))


def test_the_family_counts():
    """A difference that is resolved alone is not among many."""
    rows = {"a": score(0.3, seed=1), "b": score(0.3028, seed=2)}
    [alone] = contrasts_of(rows)
    assert alone.p == alone.p_adjusted < 0.05 and alone.verdict == "resolved up"
    many = {"a": plain(x="1"), "b": plain(x="2"), **{f"c{n}": plain(x=f"c{n}") for n in range(8)}}
    scores = rows | {f"c{n}": score(0.3, seed=10 + n) for n in range(8)}
    family = contrasts_of(scores, many, dict.fromkeys(many, 0.3))
    same = next(c for c in family if c.rows == ["b", "a"])
    assert same.p == alone.p and same.p_adjusted > alone.p_adjusted and same.verdict == "unresolved"
    assert same.detectable["mAP"] > alone.detectable["mAP"]
    assert same.difference == alone.difference and same.simultaneous[0] < alone.simultaneous[0]


def test_undefined_rows_give_none_and_valid_json():
    empty = Sampled(np.full(3, np.nan), np.zeros((3, 400)), np.full(3, np.nan))
    rows = {"a": score(0.3), "b": Score(dict.fromkeys(TESTED.values(), empty), {})}
    [found] = contrasts_of(rows)
    assert found.difference == (None, None, None) and found.p_adjusted is None
    assert found.verdict == "error not known: no verdict"
    assert from_json(Contrast, json.loads(json.dumps(to_json(found), allow_nan=False))) == found


def test_the_published_steps_are_the_primary_contrasts_or_all_where_there_are_none():
    first, second = SimpleNamespace(family="primary"), SimpleNamespace(family="exploratory")
    assert published_steps([second, first]) == [first] and published_steps([second]) == [second]
