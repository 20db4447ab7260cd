import pytest
from figure_records import steps

from cxrlt_core.figures.variance import caption, draw


def test_bars_are_shares_that_fill_the_axis_and_the_caption_has_their_medians():
    axes = draw(steps(selection=0.0)).axes[0]
    widths = [[bar.get_width() for bar in container] for container in axes.containers]
    assert [sum(column) for column in zip(*widths, strict=True)] == pytest.approx([100, 100])
    assert widths[0] == pytest.approx([40, 50]) and widths[3] == pytest.approx([20, 0])
    assert "± 0.0316" in [text.get_text() for text in axes.texts]
    assert caption(steps()).endswith("patients 40%, patient × seed 10%, trainings 30%, selection 20%.")


def test_what_was_not_measured_is_told_from_what_is_not_there():
    [power] = list(steps(training=None, selection=0.0).values())[1:]
    named = [text.get_text() for text in draw({("Table 1", "3 − 2"): power}).legends[0].get_texts()]
    assert named == ["patients", "patient × seed", "trainings: not measured", "selection: none"]
