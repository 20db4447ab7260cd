from dataclasses import replace

from figure_records import examples

from cxrlt_core.figures.examples import draw


def test_images_stand_over_their_first_labels_and_a_long_one_is_broken_into_lines():
    figure = draw(examples(), 2)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["a", "b\nc\nd …", "nothing labelled", ""] and len(figure.axes[3].images) == 0
    figure = draw([replace(examples()[0], labels=["Enlarged Cardiomediastinum", "Mass"])], 1)
    assert figure.axes[0].get_title() == "Enlarged\nCardiomediastinum\nMass"
