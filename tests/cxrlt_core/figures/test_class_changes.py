from figure_records import CHANGES, CLASSES, ONE, PATIENTS
from made_results import make_contrast

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.figures.class_changes import caption, clear, draw, largest


def test_points_are_filled_where_the_interval_leaves_out_zero_and_the_caption_counts_them():
    (axes,) = draw(CLASSES, CHANGES, PATIENTS, ONE, "TTA").axes
    points = [line for line in axes.lines if line.get_marker() in "os^" and len(line.get_xdata()) == 1]
    faces = {round(float(p.get_xdata()[0]), 3): p.get_markerfacecolor() != "white" for p in points}
    assert faces == {0.1: True, -0.2: True, -0.02: False}
    assert [clear(change) for change in CHANGES.values()] == [True, False, True, False]
    text = caption(CHANGES, 0.95, "reweight off → 2, development set")
    assert text.startswith("Reweight off → 2, development set: 1 of 3 classes gain and 1 lose")
    assert "about 0.2 would" in text or "about 0.1 would" in text
    assert "Most: Edema +0.100; least: Mass −0.200." in text


def test_the_largest_resolved_pair_comes_first_then_the_largest():
    contrasts = [
        make_contrast(what=what, difference=Interval(point, None, None), verdict=verdict, rows=["r"] * rows)
        for what, point, verdict, rows in (
            ("a", 0.01, "unresolved", 2),
            ("b", -0.05, "unresolved", 2),
            ("c", 0.02, "resolved up", 2),
            ("a × b", 0.9, "resolved up", 4),
            ("d", None, "unresolved", 2),
        )
    ]
    assert largest(contrasts).what == "c" and largest(contrasts[:2]).what == "b"
    assert largest(contrasts[3:]) is None and largest([]) is None
