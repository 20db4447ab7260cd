import numpy as np
from figure_records import CLASSES, ensemble

from cxrlt_core.figures.member_choice import caption, draw


def test_the_shade_is_how_often_dots_what_is_chosen_and_the_caption_says_how_stable_it_is():
    axes = draw(CLASSES, ensemble(), "class_wise").axes[0]
    np.testing.assert_allclose(axes.images[0].get_array()[0], [1, 0.6, 0.4])  # Edema
    dots = [tuple(xy) for line in axes.lines if line.get_marker() == "o" for xy in line.get_xydata()]
    assert set(dots) == {(0, 0), (1, 0), (0, 1), (2, 1), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3)}
    assert {"80%", "50%", "–"} <= {text.get_text() for text in axes.texts}
    text = caption(CLASSES, ensemble(), "class_wise")
    least = "least Mass (50%), Edema (80%) and Hernia (80%)"
    assert f"would choose 70% of a class's models again; {least}" in text
    assert "m1 (3 of 4 classes) and m2 (3 of 4 classes)" in text


def test_the_words_beside_the_bar_leave_the_legend_alone_where_classes_are_few():
    figure = draw(CLASSES, ensemble(), "class_wise")
    figure.draw_without_rendering()
    [legend], words = figure.legends, figure.axes[1].yaxis.label
    assert not legend.get_window_extent().overlaps(words.get_window_extent())
