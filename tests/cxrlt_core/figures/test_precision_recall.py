from dataclasses import replace

from figure_records import ensemble

from cxrlt_core.figures.precision_recall import caption, draw


def test_curves_go_through_the_points_and_the_caption_says_what_half_of_the_positives_cost():
    both = ensemble()
    (axes,) = draw(both, "class_wise").axes
    first, second = axes.lines
    assert first.get_label() == "Hernia: AP 0.500, 2 positives" and second.get_label().startswith("Fibrosis")
    assert first.get_xydata().tolist() == [[0, 1], [0.5, 1], [1, 0.1]]
    text = caption(both, "class_wise")
    assert "every alarm is right for Hernia and one alarm in 5.0 for Fibrosis" in text
    assert "as few as 2 positives" in text
    curves = replace(both.curves, precision_recall={"Hernia": both.curves.precision_recall["Hernia"]})
    start = "Tail class, class_wise: to find half of the positives of Hernia, every alarm is right."
    assert caption(replace(both, curves=curves), "class_wise").startswith(start)
