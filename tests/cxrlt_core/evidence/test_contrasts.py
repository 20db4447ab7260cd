import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from cxrlt_core.evidence.contrasts import find_interactions, find_pairs, judge, to_json
from cxrlt_core.evidence.scoring import Score
from cxrlt_core.evidence.uncertainty import Sampled, draw_seeds
from cxrlt_core.params.parse import parse_params
from cxrlt_core.reporting.tables import design_columns

ROOT = Path(__file__).parents[3]
NAMES = ("mAP", "mAP_head", "mAP_medium", "mAP_tail")


@pytest.fixture
def designs() -> dict[str, dict[str, str]]:
    """The designs of the published Table 1, by number of the row."""
    params = parse_params(yaml.safe_load((ROOT / "profiles/paper.yaml").read_text()))
    return {str(n): design_columns(params, row) for n, row in enumerate(params.table1, 1)}


PUBLISHED = dict(
    zip("123456789", (0.3187, 0.3193, 0.3220, 0.3273, 0.3236, 0.3273, 0.3247, 0.3244, 0.3280), strict=True)
)


def score(value: float, seeds: int = 3, spread: float = 0.01, seed: int = 0) -> Score:
    """A row around a value; rows share the draws of patients."""
    points = value + np.random.default_rng(seed).normal(0, 0.001, seeds)
    samples = points[:, None] + np.random.default_rng(99).normal(0, spread, 400)
    samples += np.random.default_rng(seed + 1).normal(0, 0.001, samples.shape)
    return Score(dict.fromkeys(NAMES, Sampled(points, samples, draw_seeds(seeds, 400, 0))), {})


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
    found = judge(pairs, find_interactions(pairs), scores, PUBLISHED, 0.95)
    by_rows = {tuple(one.rows): one for one in found}
    assert by_rows["2", "1"].published == 0.0006 and by_rows["9", "4"].published == 0.0007
    square = found[-1]
    a, b, c, d = (PUBLISHED[name] for name in square.rows)
    assert square.published == pytest.approx((a - b) - (c - d)) and abs(square.published) == 0.0062
    points = {name: scores[name]["mAP"].point for name in designs}
    a, b, c, d = (points[name] for name in square.rows)
    assert square.difference[0] == pytest.approx((a - b) - (c - d), abs=5.1e-5)
    # one of the two changes of text encoder helps, the other hurts: the sign flips in the published table
    texts = [one.published for one in found if one.what == "text encoder"]
    assert min(texts) < 0 < max(texts)


def test_rows_that_belong_together_are_compared_though_they_differ_in_two():
    designs = {"a": {"x": "1", "y": ""}, "b": {"x": "2", "y": ""}, "c": {"x": "2", "y": "✓"}}
    assert [(p.reference, p.row) for p in find_pairs(designs)] == [("a", "b"), ("b", "c")]
    more = find_pairs(designs, together=("a", "c"))
    assert ("x + y", "1, off → 2, ✓", "c", "a") in [(p.design, p.change, p.row, p.reference) for p in more]
    assert find_pairs({"a": {"x": "1"}, "b": {"x": "1"}}, together=("a", "b")) == []


PAIR = {"a": {"x": "1"}, "b": {"x": "2"}}
NO_FIGURES = {"a": None, "b": None}


@pytest.mark.parametrize(
    ("seeds", "gap", "verdict"),
    [
        (3, 0.1, "resolved up"),
        (3, -0.1, "resolved down"),
        (3, 0.0, "unresolved"),
        (1, 0.1, "training noise not measured"),
        (1, 0.0, "training noise not measured"),
    ],
)
def test_verdicts(seeds, gap, verdict):
    scores = {"a": score(0.3, seeds, seed=1), "b": score(0.3 + gap, seeds, seed=2)}
    [one] = judge(find_pairs(PAIR), [], scores, NO_FIGURES, 0.95)
    assert one.verdict == verdict and one.published is None
    assert one.difference[0] == pytest.approx(gap, abs=0.005)


def test_the_family_counts():
    """A difference that is resolved alone is not among many."""
    one = score(0.3, seed=1)
    spread = np.random.default_rng(5).normal(0, 0.01, 400)
    points = one["mAP"].points + 0.0245
    other = Score(
        dict.fromkeys(NAMES, Sampled(points, one["mAP"].samples + 0.0245 + spread, one["mAP"].seeds)), {}
    )
    [alone] = judge(find_pairs(PAIR), [], {"a": one, "b": other}, NO_FIGURES, 0.95)
    assert alone.p == alone.p_holm < 0.05 and alone.verdict == "resolved up"
    many = {"a": {"x": "1"}, "b": {"x": "2"}, **{f"c{n}": {"x": f"c{n}"} for n in range(6)}}
    scores = {"a": one, "b": other, **{f"c{n}": score(0.3, seed=10 + n) for n in range(6)}}
    family = judge(find_pairs(many), [], scores, dict.fromkeys(many), 0.95)
    same = next(c for c in family if c.rows == ["b", "a"])
    assert same.p == alone.p and same.p_holm > alone.p_holm
    assert same.detectable["mAP"] > alone.detectable["mAP"]


def test_undefined_rows_give_none_and_valid_json():
    empty = Sampled(np.full(2, np.nan), np.full((2, 100), np.nan), draw_seeds(2, 100, 0))
    rows = {"a": score(0.3, 2), "b": Score(dict.fromkeys(NAMES, empty), {})}
    rows["a"] = Score(
        {n: Sampled(s.points, s.samples[:, :100], empty.seeds) for n, s in rows["a"].means.items()}, {}
    )
    found = to_json(judge(find_pairs(PAIR), [], rows, NO_FIGURES, 0.95))
    assert json.loads(json.dumps(found, allow_nan=False))[0]["difference"] == [None, None, None]
    assert found[0]["p_holm"] is None and found[0]["verdict"] == "unresolved"
