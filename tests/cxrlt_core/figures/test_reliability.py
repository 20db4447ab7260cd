from dataclasses import replace

import numpy as np
from figure_records import ensemble

from cxrlt_core.figures.reliability import caption, draw


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
