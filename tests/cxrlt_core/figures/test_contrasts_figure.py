from dataclasses import replace

import numpy as np
from figure_records import THREE, contrasts
from made_results import make_bag, make_contrast, make_results, make_row, make_table

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.figures import style
from cxrlt_core.figures.contrasts import caption, draw, show


def test_intervals_points_published_values_and_the_legend():
    figure = draw(contrasts(), THREE, 0.002, "mAP")
    (axes,) = figure.axes
    drawn = [(list(line.get_xdata()), line.get_linewidth()) for line in axes.lines]
    assert ([0.05, 0.15], 2.4) in drawn and ([0.04, 0.16], 0.8) in drawn
    points = [line for line in axes.lines if line.get_marker() in "^vso" and len(line.get_xdata()) == 1]
    assert [line.get_xdata()[0] for line in points] == [0.1, -0.02, -0.2]
    looks = [(line.get_marker(), line.get_markerfacecolor()) for line in points]
    assert looks == [("^", style.DARK), ("o", "white"), ("s", style.LIGHT)]
    diamonds = [line for line in axes.lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert [line.get_xdata()[0] for line in diamonds] == [0.002, -0.305, 0.001]
    assert np.allclose(axes.patches[0].get_bbox().intervalx, [-0.002, 0.002])
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["resolved up", "unresolved", "practically equivalent", "published"]
    shown = [text.get_text() for text in axes.texts]
    assert "exploratory" in shown and "+0.1000" in shown and "−0.3050" in shown and "primary" not in shown
    assert "3 seeds" in axes.get_xlabel()


def test_the_caption_counts_verdicts_and_published_values_outside():
    text = caption(contrasts(), 0.002, "mAP")
    assert "4 differences of mAP; verdicts: unresolved 2, resolved up 1, practically equivalent 1" in text
    assert "Largest: design 2 (off → ✓) −0.2000 [−0.3100, −0.0900]" in text
    assert "1 of 2 published differences lie outside our thin line" in text and "±0.002" in text


def test_contrasts_name_rows_by_number_and_are_flat(smoke):
    contrast = make_contrast("b", "a", difference=Interval(0.1, 0.0, 0.2), simultaneous=(-0.1, 0.3))
    table = make_table(1, [make_row("a", 0.1), make_row("b", 0.2)], [contrast])
    [picture] = show(make_results(smoke, tables=(table, make_table(2, [make_row("c", 0.1)], []))))
    [line] = picture.records
    assert line["rows"] == "Table 1: 2 − 1" and line["what"] == "TTA"
    assert [line[key] for key in ("difference", "low", "high")] == [0.1, 0.0, 0.2]
    assert (line["simultaneous_low"], line["simultaneous_high"]) == (-0.1, 0.3)


def test_declared_steps_are_ranked_on_a_line_each_and_others_are_not(smoke):
    bag = make_bag(smoke)
    picture = next(show(bag))
    assert [line["what"] for line in picture.records] == ["separate", "ensemble", "loss", "MixUp"]
    names = [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    assert names[0] == "separate  (Table 1: 2 − 1)  1" and names[3] == "MixUp  (Table 1: 5 − 1)  4"
    assert picture.alt.endswith(", ranked.") and picture.caption.endswith("row 1 of Table 1 (*n* − 1).")
    plain = next(show(replace(bag, params=smoke)))
    assert [line["what"] for line in plain.records] == ["loss", "separate", "MixUp", "ensemble"]
    assert "ranked" not in plain.alt and "\n" in plain.figure.axes[0].get_yticklabels()[0].get_text()
