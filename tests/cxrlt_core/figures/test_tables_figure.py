from dataclasses import replace

from figure_records import ONE, table

from cxrlt_core.figures.tables import caption, draw


def test_selected_rows_are_marked_and_the_best_named():
    figure = draw(table(), ONE)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["1  a †", "2  b", "3  c", "4  d"]
    points = [line for line in axes.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert points[0].get_markerfacecolor() == "white" != points[1].get_markerfacecolor()
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "published"
    assert "95% intervals" in axes.get_xlabel() and "one training" in axes.get_xlabel()
    text = caption(table())
    assert "row 1  a, 0.1000 [0.0500, 0.1500] †." in text and "Published: row 3  c, 0.3500." in text


def test_nothing_published_leaves_no_mark():
    rows = [replace(row, published=None, selected=False) for row in table().rows]
    plain = replace(table(), rows=rows)
    assert [text.get_text() for text in draw(plain, ONE).legends[0].get_texts()] == ["ours"]
    assert "Published" not in caption(plain)
    assert "published" not in [text.get_text() for text in draw(plain, ONE).axes[0].texts]
