import numpy as np
from figure_records import SHARES, THREE_CLASSES
from made_results import CLASSES, make_results

from cxrlt_core.figures.cooccurrence import caption, draw, show


def test_shares_stand_in_the_line_of_their_class_and_the_caption_names_each_pair_once():
    shown = draw(list(THREE_CLASSES), SHARES).axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.ma.filled(shown.astype(float), np.nan), SHARES)
    text = caption(THREE_CLASSES, np.full((3, 3), 6), SHARES)
    assert "Edema with Mass (2.0 times chance)" in text and "Mass with Edema" not in text
    rare = caption(THREE_CLASSES, np.full((3, 3), 4), SHARES)
    assert rare == "No two classes share 5 images of train_primary."


def test_pairs_of_classes_are_sorted_by_prevalence_and_have_no_diagonal(smoke):
    """Hernia is positive in 3 images and Edema in 3, of which 2 are the same; of one Edema is unknown."""
    targets = np.array([[1, 1, -1], [1, 1, -1], [-1, 1, -1], [1, 0, -1]], np.int8)
    [picture] = show(make_results(smoke, targets=targets))
    assert [line["class"] for line in picture.records[::3]] == list(CLASSES)
    shares = {(line["class"], line["other"]): line["share"] for line in picture.records}
    assert shares["Hernia", "Edema"] == 1.0 and shares["Edema", "Hernia"] == 0.6667
    assert shares["Edema", "Edema"] is None and shares["Mass", "Edema"] is None
    assert picture.records[1]["expected"] == 0.001 and picture.records[2]["expected"] is None
