from figure_records import BOX, looks

from cxrlt_core.figures.attention import STRENGTH, caption, draw


def test_a_class_has_a_line_and_its_labelled_images_stand_left():
    axes = draw(looks()).axes
    titles = ["labelled, 0.91", "not labelled, 0.91", "labelled, 0.91", ""]
    assert [axis.get_title() for axis in axes] == titles
    assert [axis.get_ylabel() for axis in axes] == ["Mass", "", "Edema", ""]


def test_the_greatest_cell_is_full_and_marked_and_the_box_stands_where_it_is():
    axis = draw(looks()).axes[0]
    shade = axis.images[1].get_array()[..., 3]
    assert shade[0, 1] == shade.max() == STRENGTH and shade[1, 1] == 0
    assert axis.lines[0].get_xydata().tolist() == [[0.75, 0.25]]
    assert axis.patches[0].get_bbox().extents.tolist() == BOX
    assert not draw(looks()).axes[1].patches


def test_boxes_are_explained_where_there_are_any():
    assert "White" in caption(looks()) and "White" not in caption(looks()[1:])
