import numpy as np
from figure_records import pairs

from cxrlt_core.figures.cooccurrence import caption, draw


def test_shares_stand_in_the_line_of_their_class_and_unknown_ones_are_blank():
    shown = draw(pairs(), "train_primary").axes[0].images[0].get_array()
    expected = [[np.nan, 0.1, np.nan], [0.6, np.nan, np.nan], [0.2, np.nan, np.nan]]
    np.testing.assert_array_equal(np.ma.filled(shown.astype(float), np.nan), expected)


def test_the_caption_names_each_pair_once_that_enough_images_show():
    text = caption(pairs(), "train_primary")
    assert "Edema with Mass (2.0 times chance)" in text and "Mass with Edema" not in text
    rare = [{**one, "both": 4} for one in pairs()]
    assert caption(rare, "train_primary") == "No two classes share 5 images of train_primary."
