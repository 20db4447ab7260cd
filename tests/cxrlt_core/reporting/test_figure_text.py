from cxrlt_core.reporting.figure_text import SHOWS, figure_text

CAPTIONS = {"designs": "Nine are open.", "examples": "The first images."}


def test_a_figure_is_a_picture_in_few_words_then_its_caption_and_numbers():
    assert figure_text(CAPTIONS, "designs") == (
        f"![{SHOWS['designs']}](figures/designs.png)\n\nNine are open. ([numbers](numbers/designs.csv))\n"
    )


def test_images_have_no_numbers_and_what_was_not_drawn_no_text():
    assert figure_text(CAPTIONS, "examples").endswith("\n\nThe first images.\n")
    assert figure_text(CAPTIONS, "cost") == ""


def test_no_two_figures_show_the_same():
    assert len(set(SHOWS.values())) == len(SHOWS)
    assert all(text.endswith(".") and len(text) < 90 for text in SHOWS.values())
