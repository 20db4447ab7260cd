from dataclasses import replace

import numpy as np
from figure_records import history

from cxrlt_core.figures.learning_curves import caption, draw


def test_a_panel_a_variant_shows_the_mean_of_its_seeds_before_the_others_in_grey():
    figure = draw(history(3, seeds=2))
    _, second = figure.axes
    (mine,) = [line for line in second.lines if line.get_label() == "v1"]
    np.testing.assert_allclose(mine.get_ydata(), [2.05, 1.55, 1 + 1 / 3 + 0.05])
    assert mine.get_marker() == "o" and len(second.lines) == 2 and second.get_title(loc="left") == "v1"
    assert "seeds" in figure.get_supxlabel()
    many = [axes for axes in draw(history(100, variants=10)).axes if axes.axison]
    assert len(many) == 10 and many[9].lines[-1].get_marker() in ("", "None")
    assert len({axes.get_ylim() for axes in many}) == 1


def test_one_epoch_is_a_dot_a_seed_and_a_monitored_training_has_a_second_block_of_panels():
    (axes,) = draw(history(1, seeds=3)).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["v0", "v1"]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [1, 1.1, 1.2])
    loss, _, dev, _ = draw(history(5, monitored=True)).axes
    (mine,) = [line for line in dev.lines if line.get_label() == "v0"]
    np.testing.assert_allclose(mine.get_xydata(), [[1, 0.1], [3, 0.3], [5, 0.5]])
    assert len(loss.lines[0].get_xdata()) == 5 and "development" in dev.get_ylabel()


def test_the_caption_says_what_still_moves_at_the_end_and_what_the_scores_are_of():
    text = caption(history(4))
    assert text.startswith("4 epochs each of 2 variants. At the end the loss still falls for 2.")
    rising = [replace(one, loss=5.0) if (one.epoch, one.variant) == (4, "v0") else one for one in history(4)]
    assert "falls for 1." in caption(rising)
    assert caption(history(1)).startswith("One epoch each of 2 variants. Losses")
    assert "development" not in text
    scored = caption(history(5, monitored=True))
    assert "and development mAP still rises for 2." in scored and "fixed sample" in scored
    assert "fixed sample" in caption(history(1, monitored=True))
