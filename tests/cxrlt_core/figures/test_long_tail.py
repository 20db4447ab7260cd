from figure_records import CLASSES, sets

from cxrlt_core.figures.long_tail import caption, draw


def test_dots_are_the_counts_and_the_caption_says_how_long_the_tail_is():
    (axes,) = draw(CLASSES, sets()).axes
    assert axes.get_xscale() == "log"
    dots = {line.get_label(): list(line.get_xdata()) for line in axes.lines if "images" in line.get_label()}
    assert dots["train_primary (1,000 images)"] == [300, 50, 4] and dots["dev (300 images)"] == [90, 9, 1]
    texts = [text.get_text().strip() for text in axes.texts]
    assert "none in test" in texts and "none in train_primary, dev, test" in texts
    assert {"head", "medium", "tail", "0.40%", "30.0%"} <= set(texts)
    text = caption(CLASSES, sets())
    assert "(Edema, 300 positives) has 75 times the positives of the rarest (Hernia, 4)" in text
    assert "Mass (9), Hernia (1) and Fibrosis (0)" in text
