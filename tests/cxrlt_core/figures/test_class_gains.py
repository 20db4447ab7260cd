import numpy as np
from figure_records import CHANGES, CLASSES, NONE, THREE
from made_results import make_bag, make_results

from cxrlt_core.evidence.estimator import Interval
from cxrlt_core.figures import style
from cxrlt_core.figures.class_gains import caption, draw, show
from cxrlt_core.results.steps import ranked


def test_a_cell_has_the_colour_of_its_change_and_its_sign_where_that_is_clear(smoke):
    steps = ranked(make_bag(smoke))[:2]
    classes = style.by_prevalence(CLASSES)
    axes, _ = draw(steps, classes, [CHANGES, dict.fromkeys(CLASSES, NONE)], THREE).axes
    [image] = axes.images
    shown = image.get_array().filled(np.nan)
    assert np.allclose(shown, [[0.1, -0.2, -0.02, np.nan], [np.nan] * 4], equal_nan=True)
    assert list(classes) == ["Edema", "Mass", "Hernia", "Fibrosis"]
    drawn = [line for line in axes.lines if line.get_marker() in "+_"]
    marks = {line.get_marker(): line.get_xydata().tolist() for line in drawn}
    assert marks == {"+": [[0, 0]], "_": [[1, 0]]}
    low, high = image.get_clim()
    assert low == -high and 0.19 < high <= 0.2
    texts = [text.get_text() for text in axes.texts]
    assert {"head", "medium", "tail", "Δ head", "Δ medium", "Δ tail"} <= set(texts)


def test_the_caption_counts_what_chance_would_mark_and_gives_no_verdict():
    text = caption([CHANGES, CHANGES], 0.9)
    assert text.startswith("Of 6 changes of a class 2 gain (+) and 2 lose (−)") and "about 1 would" in text
    assert "No mark is a verdict" in text


def test_steps_of_table_1_in_their_rank_of_a_study_that_declares_them(smoke):
    [picture] = show(make_bag(smoke))
    lines = [(line["step"], line["class"], line["group"]) for line in picture.records]
    assert lines[:4] == [
        ("separate", "Edema", "head"), ("separate", "Hernia", "tail"), ("separate", "Mass", "tail"),
        ("loss asl", "Edema", "head"),
    ]  # fmt: skip
    assert picture.records[0]["difference"] == 0.1 and len(lines) == 9
    assert not [*show(make_results(smoke))]


def test_groups_stand_beside_with_their_differences(smoke):
    step, *_ = ranked(make_bag(smoke))
    step.contrast.groups["mAP_tail"] = Interval(0.0123, 0.0, 0.1)
    axes, _ = draw([step], CLASSES, [CHANGES], THREE).axes
    assert "+0.012" in [text.get_text() for text in axes.texts]
