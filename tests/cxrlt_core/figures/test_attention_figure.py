from figure_records import BOX, looks

from cxrlt_core.figures.attention import STRENGTH, caption, draw


def test_a_line_a_class_labelled_images_left_and_marks_and_boxes_where_they_are():
    axes = draw(looks()).axes
    titles = ["labelled, 0.91", "not labelled, 0.91", "labelled, 0.91", ""]
    assert [axis.get_title() for axis in axes] == titles
    assert [axis.get_ylabel() for axis in axes] == ["Mass", "", "Edema", ""]
    axis, other, *_ = axes
    shade = axis.images[1].get_array()[..., 3]
    assert shade[0, 1] == shade.max() == STRENGTH and shade[1, 1] == 0
    assert axis.lines[0].get_xydata().tolist() == [[0.75, 0.25]]
    assert axis.patches[0].get_bbox().extents.tolist() == BOX
    assert not other.patches
    assert "White" in caption(looks()) and "White" not in caption(looks()[1:])
