from dataclasses import replace

import numpy as np
from figure_records import CLASSES, predictions

from cxrlt_core.figures.class_scores import caption, draw


def test_each_class_has_a_label_a_point_and_an_interval_of_each_prediction():
    (axes,) = draw(CLASSES, predictions(), "test set").axes
    points = [line for line in axes.lines if line.get_marker() in "osD" and len(line.get_xdata()) == 1]
    values = sorted(round(float(p.get_xdata()[0]), 6) for p in points)
    assert values == [0.1, 0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.6, 0.7]
    heights = sorted(float(p.get_ydata()[0]) for p in points)
    assert np.diff(heights).min() > 0.2  # none covers another
    assert axes.get_xlim() == (0, 1)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["Edema", "Mass", "Hernia", "Fibrosis"]


def test_the_caption_counts_by_group_and_names_what_is_not_told_from_chance():
    text = caption(CLASSES, predictions(), "test set")
    assert "ensemble is above base for 1 of 1 head, 1 of 1 medium, 1 of 1 tail classes" in text
    lower = predictions()
    lower["ensemble"]["Hernia"] = replace(lower["ensemble"]["Hernia"], AP_low=0.0)
    assert "Not told from chance: Hernia." in caption(CLASSES, lower, "test set")
    assert "chance" not in text
