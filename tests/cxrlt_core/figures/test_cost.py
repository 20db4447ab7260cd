from dataclasses import replace

import numpy as np
from figure_records import points
from made_results import COST, make_results

from cxrlt_core.figures.cost import caption, draw, show


def test_a_panel_a_table_with_points_in_the_fitting_unit_between_their_fastest_and_slowest_seed():
    first, second = draw(points(), "CPU").axes
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("Table 1", "Table 2")
    drawn = [line.get_xydata()[0].tolist() for line in first.lines if line.get_marker() == "o"]
    assert drawn == [[10, 0.1], [10, 0.11]] and first.get_xlabel().startswith("seconds")
    assert [9, 45] in [list(line.get_xdata()) for line in first.lines]
    hours = draw(points(3600), "CPU").axes[0]
    assert hours.get_xlabel().startswith("hours") and hours.lines[2].get_xdata()[0] == 10


def test_numbers_stand_right_of_the_panel_and_apart():
    first, _ = draw(points(), "CPU").axes
    places = [text.xyann for text in first.texts]
    assert np.diff([y for _, y in places]).min() >= 0.0549 and {x for x, _ in places} == {1.02}


def test_the_caption_compares_steps_and_no_times():
    """Two trainings of as many steps cost the same, whatever a busy machine made of them."""
    best = "Table 1: row 2 is highest (0.110), "
    assert f"{best}and no row takes fewer steps of training (300 with each seed). Table 2" in caption(
        points(dear=40.0)
    )
    more = f"{best}with 33% more steps of training than row 1 (0.100), 400 with each seed."
    assert more in caption(points(steps=400)) and "times" not in caption(points(steps=400))


def test_a_row_costs_what_its_models_took_with_one_seed(smoke):
    taken = {"x": (10, 20), "y": (0, 10), **dict.fromkeys(smoke.variants, (10, 20))}
    costs = {name: [replace(COST, seconds=one) for one in its] for name, its in taken.items()}
    [picture] = show(make_results(smoke, costs=costs))
    assert [line["seconds"] for line in picture.records] == [15, 15, 20, 20]  # two models behind an ensemble
    assert [line["seconds_most"] for line in picture.records] == [20, 20, 30, 30]
    assert [line["steps"] for line in picture.records] == [9, 9, 18, 18]
    assert picture.records[3]["number"] == 2 and picture.records[2]["table"] == "Table 2, test set"
