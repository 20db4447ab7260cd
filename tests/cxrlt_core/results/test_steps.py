"""Steps are ranked, and cost what their models take beside those of their reference."""

from dataclasses import replace

import pytest
from made_results import COST, make_bag, make_contrast

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.results.steps import Step, busy, changed, hubs, is_bag, ranked, ratio
from cxrlt_core.results.study import Results


@pytest.fixture(scope="module")
def bag(smoke) -> Results:
    return make_bag(smoke)


def test_what_is_judged_is_ranked_over_both_tables_and_what_is_undefined_is_last(smoke, bag):
    assert is_bag(bag) and not is_bag(replace(bag, params=smoke))
    steps = [(step.contrast.what, step.rows) for step in ranked(bag)]
    assert steps == [
        ("separate", "Table 1: 2 − 1"),
        ("ensemble", "Table 2: 2 − 1"),
        ("loss", "Table 1: 4 − 1"),
        ("MixUp", "Table 1: 5 − 1"),
    ]
    assert hubs(ranked(bag)) == "Of the steps 3 change row 1 of Table 1 (*n* − 1)."
    assert not hubs(ranked(bag)[:2])


def test_a_step_is_called_by_what_it_changes_and_to_what():
    said = {"off → ✓": "x", "off → asl": "x asl", "a → b": "x a → b"}
    assert [changed(make_contrast(what="x", change=change)) for change in said] == list(said.values())


def test_a_cost_is_that_of_the_fastest_seeds_all_models_and_all_views(bag):
    base, _, _, row, _ = (entry.variant for entry in bag.params.table1)
    slow = replace(COST, seconds=9.0, images=600, peak_memory_mib=2048)  # of half as many images
    taken = {base: [COST, replace(COST, seconds=6.0)], row: [slow, replace(slow, seconds=12.0)]}
    costs = {**bag.costs, **taken, "x": [COST] * 2, "y": [COST] * 2}
    known = replace(bag, costs=costs, predicted={base: [0.2, 0.1], row: [0.3]})
    first, second, third, _ = ranked(known)
    assert ratio(known, third).training == Interval(3.6, 3.0, 4.8)
    assert ratio(known, third).memory == 2 and ratio(known, second).training.point == 1
    assert ratio(known, third).prediction == 3 * bag.params.tta.views  # its reference has no TTA
    assert ratio(known, second).prediction is None and ratio(known, first).prediction is None
    assert busy(replace(bag, costs=taken)) == [row]


def test_a_training_that_took_no_time_is_no_error(bag):
    step = Step(bag.tables[0], bag.tables[0].contrasts[0])
    none = {name: [replace(COST, seconds=0.0)] for name in bag.costs}
    assert ratio(replace(bag, costs=none), step).training.point == 1
