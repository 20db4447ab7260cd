from dataclasses import replace

import numpy as np
from figure_records import ERRORS, bins

from cxrlt_core.figures.reliability import caption, draw


def test_bins_with_labels_are_points_beside_their_number():
    figure = draw(bins(), ERRORS, "class_wise", "T = 0.9")
    upper, lower = figure.axes
    line = next(line for line in upper.lines if line.get_label() == "scaled, ECE 0.020")
    np.testing.assert_allclose(line.get_xydata(), [[0.02, 0.01], [0.7, 0.8]])
    np.testing.assert_allclose(lower.lines[0].get_ydata(), [100, 30])
    assert "T = 0.9" in lower.get_xlabel()


def test_the_caption_says_what_scaling_did_and_which_way_the_model_errs():
    text = caption(bins(), ERRORS, "class_wise", "T = 0.9")
    assert "0.040 as predicted and 0.020 scaled (T = 0.9)" in text and "above one half are too low" in text
    over = [replace(one, share=one.share and 0.3) for one in bins()]
    assert "above one half are too high" in caption(over, ERRORS, "class_wise", "T = 0.9")
