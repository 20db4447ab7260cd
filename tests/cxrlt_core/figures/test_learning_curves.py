from dataclasses import replace

import numpy as np
from figure_records import history

from cxrlt_core.figures.learning_curves import caption, draw


def test_a_line_a_variant_is_the_mean_of_its_seeds_with_marks_of_few_epochs():
    (axes,) = draw(history(3, seeds=2)).axes
    assert [line.get_label() for line in axes.lines] == ["v0", "v1"]
    np.testing.assert_allclose(axes.lines[1].get_ydata(), [2.05, 1.55, 1 + 1 / 3 + 0.05])
    assert axes.lines[0].get_marker() == "o" and "seeds" in axes.get_xlabel()
    (axes,) = draw(history(100, variants=25)).axes
    assert len(axes.lines) == 25 and axes.lines[0].get_marker() in ("", "None")


def test_one_epoch_is_a_dot_a_seed_and_a_monitored_training_has_a_second_panel():
    (axes,) = draw(history(1, seeds=3)).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["v0", "v1"]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [1, 1.1, 1.2])
    loss, dev = draw(history(5, monitored=True)).axes
    np.testing.assert_allclose(dev.lines[0].get_xydata(), [[1, 0.1], [3, 0.3], [5, 0.5]])
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
