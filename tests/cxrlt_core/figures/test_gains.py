from dataclasses import replace

from made_results import COST, make_bag, make_results

from cxrlt_core.figures.gains import NAMED, Gain, notable, show
from cxrlt_core.results.steps import ranked


def test_each_step_stands_at_its_gain_and_its_costs_and_times_say_of_what_machine(smoke):
    bag = make_bag(smoke)
    base, *others = dict.fromkeys(row.variant for row in bag.params.table1)
    costs = {name: [COST] for name in (base, *others, "x", "y")} | {others[0]: [replace(COST, seconds=10.0)]}
    [picture] = show(replace(bag, costs=costs, predicted={name: [0.1] for name in costs}))
    assert [(line["rank"], line["step"], line["training"]) for line in picture.records] == [
        (1, "separate", 2.0), (2, "ensemble model-wise → class-wise", 1.0), (3, "loss asl", 1.0),
    ]  # fmt: skip
    line = picture.records[0]
    assert [line[key] for key in ("difference", "low", "high")] == [0.02, 0.005, 0.035]
    assert (line["prediction"], line["memory"], line["verdict"]) == (1.0, 1.0, "resolved up")
    assert "of the reference: none. Dearest to train separate (1), 2×" in picture.caption
    assert "Times are of CPU, where other stages may have run at once; all seeds of" in picture.caption
    panels = picture.figure.axes
    points = [line.get_xydata().tolist() for line in panels[0].lines if line.get_marker() in "^o"]
    assert [[2.0, 0.02]] in points and [[1.0, -0.01]] in points
    assert [text.get_text() for text in panels[0].texts] == ["1"]  # resolved, and dear


def test_what_is_cheap_and_resolved_is_named_and_so_are_unlike_times(smoke):
    bag = make_bag(smoke)
    costs = {name: [COST, replace(COST, seconds=9.0)] for name in bag.costs}
    [picture] = show(replace(bag, costs=costs))
    assert "times the time and memory of the reference: separate (1)." in picture.caption
    assert "took unlike times." in picture.caption and "to predict" not in picture.caption
    assert "not measured" in [text.get_text() for text in picture.figure.axes[1].texts]


def test_no_study_without_declared_pairs_has_the_picture(smoke):
    assert not [*show(make_results(smoke))]


def test_a_panel_names_the_resolved_and_then_the_dearest(smoke):
    [picture] = show(bag := make_bag(smoke))
    assert picture.records
    up, _, other, _ = ranked(bag)
    steps = [(Gain(n, other, None, None), Point(1 + n / 10)) for n in range(20)]
    named = [gain.rank for gain, _ in notable([*steps, (Gain(99, up, None, None), Point(0.5))])]
    assert named == [99, *range(19, 19 - NAMED + 1, -1)]


class Point:
    """Where a step stands on the axis of a cost."""

    def __init__(self, point: float) -> None:
        self.point = point
