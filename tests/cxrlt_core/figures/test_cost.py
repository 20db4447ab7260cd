from dataclasses import replace

import numpy as np
from figure_records import points
from made_results import COST, make_results

from cxrlt_core.figures.cost import caption, draw, show


def test_a_panel_a_table_with_points_in_the_fitting_unit_and_numbers_spread():
    figure = draw(points(), "CPU")
    first, second = figure.axes
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("Table 1", "Table 2")
    drawn = [line.get_xydata()[0].tolist() for line in first.lines if line.get_marker() == "o"]
    assert drawn == [[10, 0.1], [10, 0.11]] and first.get_xlabel().startswith("seconds")
    hours = draw(points(3600), "CPU").axes[0]
    assert hours.get_xlabel().startswith("hours") and hours.lines[1].get_xdata()[0] == 10
    low, high = first.get_ylim()
    heights = [text.xyann[1] for text in first.texts]
    assert np.diff(heights).min() >= 0.059 * (high - low)


def test_the_caption_compares_the_best_with_the_cheapest():
    best = "Table 1: row 2 is highest (0.110), "
    dear = f"{best}at 4.0 times the time of row 1, the cheapest to train (0.100)"
    assert dear in caption(points(dear=40.0))
    assert f"{best}and the cheapest to train. Table 2" in caption(points())


def test_a_row_costs_what_its_models_took_with_one_seed(smoke):
    taken = {"x": (10, 20), "y": (0, 10), **dict.fromkeys(smoke.variants, (10, 20))}
    costs = {name: [replace(COST, seconds=one) for one in its] for name, its in taken.items()}
    [picture] = show(make_results(smoke, costs=costs))
    assert [line["seconds"] for line in picture.records] == [15, 15, 20, 20]  # two models behind an ensemble
    assert picture.records[3]["number"] == 2 and picture.records[2]["table"] == "Table 2, test set"
