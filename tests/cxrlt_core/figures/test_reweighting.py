from figure_records import MEANS, ONE, weighted

from cxrlt_core.figures.reweighting import BLOCKS, caption, draw


def test_upweighted_classes_stand_together_on_top_and_the_means_below():
    (axes,) = draw(weighted(), MEANS, ONE, "reweight").axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["Hernia", "Fibrosis", "Mass", "Edema", "mean: upweighted", "mean: left alone"]
    assert set(BLOCKS) <= {text.get_text() for text in axes.texts}
    diamonds = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "D"]
    assert diamonds == [(0.1, 4), (-0.2, 5)]


def test_the_caption_sets_touched_classes_against_the_others():
    text = caption(weighted(), MEANS, ONE, "reweight")
    assert "upweighted (2) +0.100 [+0.050, +0.150]; left alone (1) −0.200 [−0.300, −0.100]" in text
