from dataclasses import replace

import numpy as np
from figure_records import ONE, costs
from made_results import COST, make_results

from cxrlt_core.figures.cost import caption, draw, show


def test_a_panel_a_table_with_points_in_the_fitting_unit():
    figure = draw(costs(), ONE, "CPU")
    first, second = figure.axes
    assert (first.get_title(loc="left"), second.get_title(loc="left")) == ("Table 1", "Table 2")
    points = [line.get_xydata()[0].tolist() for line in first.lines if line.get_marker() == "o"]
    assert points == [[10, 0.1], [10, 0.11]] and first.get_xlabel().startswith("seconds")
    hours = draw([replace(one, seconds=3600 * one.seconds) for one in costs()], ONE, "CPU").axes[0]
    assert hours.get_xlabel().startswith("hours") and hours.lines[1].get_xdata()[0] == 10


def test_numbers_of_close_points_are_spread():
    axes = draw(costs(), ONE, "CPU").axes[0]
    low, high = axes.get_ylim()
    heights = [text.xyann[1] for text in axes.texts]
    assert np.diff(heights).min() >= 0.059 * (high - low)


def test_the_caption_compares_the_best_with_the_cheapest():
    dear = [replace(one, seconds=40.0) if one.number == 2 else one for one in costs()]
    text = caption(dear)
    assert (
        "Table 1: row 2 is highest (0.110), at 4.0 times the time of row 1, the cheapest to train (0.100)"
        in text
    )
    assert "Table 1: row 2 is highest (0.110), and the cheapest to train. Table 2" in caption(costs())


def test_a_row_costs_what_its_models_took_with_one_seed(smoke):
    taken = {
        name: [replace(COST, seconds=n * 10) for n in (number, number + 1)]
        for number, name in enumerate("xy")
    }
    params = smoke.model_copy(update={"table1": []})
    results = make_results(params)
    first = replace(results.tables[0], rows=[])
    [picture] = show(replace(results, tables=(first, results.tables[1]), costs=taken))
    assert [line.seconds for line in picture.records] == [20, 20]  # 5 of the one model, 15 of the other
    assert picture.records[1].number == 2 and picture.records[0].table == "Table 2, test set"
