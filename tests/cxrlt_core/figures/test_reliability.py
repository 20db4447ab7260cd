from dataclasses import replace

import numpy as np
from figure_records import ensemble
from made_results import make_results

from cxrlt_core.figures.reliability import FEWEST, caption, draw, show


def test_bins_with_labels_are_points_and_the_caption_says_which_way_the_model_errs():
    figure = draw(ensemble(), "class_wise")
    upper, lower = figure.axes
    line = next(line for line in upper.lines if line.get_label() == "scaled, ECE 0.020")
    np.testing.assert_allclose(line.get_xydata(), [[0.02, 0.01], [0.7, 0.8]])
    np.testing.assert_allclose(lower.lines[0].get_ydata(), [100, 30])
    assert "T = 0.90" in lower.get_xlabel()
    text = caption(ensemble(), "class_wise")
    assert "0.040 as predicted and 0.020 scaled (T = 0.90)" in text and "above one half are too low" in text
    bins = replace(ensemble().curves.reliability["as predicted"], share=[0.3, None, 0.3])
    over = replace(ensemble().curves, reliability={"as predicted": bins})
    assert "above one half are too high" in caption(ensemble(curves=over), "class_wise")


def test_a_bin_that_is_nearly_one_patient_is_counted_and_not_shown(smoke, monkeypatch):
    one = replace(ensemble().curves.reliability["scaled"], labels=[100, 0, FEWEST - 1])
    few = ensemble(curves=replace(ensemble().curves, reliability={"as predicted": one, "scaled": one}))
    assert len(draw(few, "class_wise").axes[0].lines[1].get_xydata()) == 1
    results = make_results(smoke)
    monkeypatch.setattr(type(results), "shown", ("class_wise", few))
    [picture] = show(results)
    last = picture.records[-1]
    assert (last["labels"], last["score"], last["share"]) == (FEWEST - 1, None, None)
    assert picture.records[0]["score"] is not None and f"fewer than {FEWEST} labels" in picture.caption
