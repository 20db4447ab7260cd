import numpy as np
from cxrlt_core.reporting.figures import examples, largest, reweighted


def contrast(what: str, change: str, point: float | None, verdict: str = "unresolved", rows: int = 2) -> dict:
    return {
        "what": what,
        "change": change,
        "difference": [point, None, None],
        "verdict": verdict,
        "rows": ["r"] * rows,
    }


def test_the_largest_resolved_pair_comes_first_then_the_largest():
    found = [
        contrast("a", "off → ✓", 0.01),
        contrast("b", "off → ✓", -0.05),
        contrast("c", "off → ✓", 0.02, "resolved up"),
        contrast("a × b", "off → ✓", 0.9, "resolved up", rows=4),
        contrast("d", "off → ✓", None),
    ]
    assert largest(found) == 2 and largest(found[:2]) == 1
    assert largest(found[3:]) is None and largest([]) is None


def test_reweighting_is_shown_where_it_is_switched_on():
    found = [
        contrast("reweight", "3 → 2", 0.1),
        contrast("TTA", "off → ✓", 0.1),
        contrast("reweight", "off → 2", 0.1),
    ]
    assert reweighted(found) == 2 and reweighted(found[:2]) is None


def test_examples_have_no_numbers():
    shown = examples(np.zeros((2, 4, 4), np.uint8), [["a"], []])
    assert not shown.records and "first 2 development images" in shown.caption
