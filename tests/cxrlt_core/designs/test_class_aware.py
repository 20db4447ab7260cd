import numpy as np
import pytest

from cxrlt_core.designs.class_aware import Settings, class_lists, order
from cxrlt_core.designs.hooks import Context
from cxrlt_core.system.errors import StudyError


def targets() -> np.ndarray:
    """900 images: classes in 600, 30 and 3 of them, one of which has two, and a class that nobody knows."""
    labels = np.zeros((900, 4), np.int8)
    labels[:600, 0], labels[600:630, 1], labels[629:632, 2], labels[:, 3] = 1, 1, 1, -1
    labels[700:, 2] = -1
    return labels


def test_it_is_two_kinds_of_lists_gone_through_in_turn():
    draw = order(Settings(), Context(targets(), list("abcd"), 10, 5, None))
    generator = np.random.default_rng(0)
    images = draw(generator)
    assert images.shape == (900,) and images.dtype == np.int64  # as long as without
    turns = np.bincount(images, minlength=900)
    assert turns[:600].sum() == 300 and turns[:600].max() == 1
    assert turns[600:629].min() == 10 == turns[600:629].max()
    assert list(turns[629:632]) == [110, 100, 100]  # that with both is in both lists
    assert not turns[632:].any()  # neither without a finding, nor with an unknown one
    for turn in images.reshape(-1, 3):  # every round has each class once
        assert np.sort(np.searchsorted([600, 629], turn, "right")).tolist() in ([0, 1, 2], [0, 2, 2])
    assert (images != draw(generator)).any()


def test_without_a_positive_label_it_is_one_line():
    with pytest.raises(StudyError, match="no training label is positive"):
        class_lists(np.array([[0, -1]], np.int8))
