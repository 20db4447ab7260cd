from cxrlt_core.reporting.attention_report import attention_section

CLASSES = {"Edema": {"group": "head"}, "Mass": {"group": "tail"}}
ONE = {"images": 40, "patients": 30, "hits": 0.9, "low": 0.8, "high": 0.95, "chance": 0.5, "others": 0.7}
WEAK = {**ONE, "low": 0.65, "others": 0.7}
SCORED = {"variant": "base", "grid": 4, "reason": None, "classes": {"Edema": ONE, "Mass": WEAK}}


def test_every_scored_class_has_a_line_and_those_above_both_levels_are_named():
    text = attention_section(SCORED, CLASSES, 0.95, "PICTURE")
    assert "| Edema | head | 40 | 30 | 90.0% | [80.0%, 95.0%] | 50.0% | 70.0% |" in text
    assert "1 of 2 classes lie above both levels with their whole interval: Edema." in text
    assert "4 × 4 cells" in text and "(0.125 of the side)" in text and text.endswith("PICTURE")


def test_one_image_has_no_level_of_others():
    text = attention_section({**SCORED, "classes": {"Mass": {**ONE, "others": None}}}, CLASSES, 0.95, "")
    assert "| 50.0% | – |" in text and "whole interval: Mass." in text


def test_real_images_are_not_scored():
    text = attention_section({**SCORED, "classes": {}}, CLASSES, 0.95, "PICTURE")
    assert "nothing is scored" in text and "PICTURE" in text and "|" not in text


def test_an_encoder_without_a_grid_is_told():
    content = {"variant": "base", "grid": None, "reason": "attention: 5 tokens", "classes": {}}
    assert "Not known: attention: 5 tokens." in attention_section(content, CLASSES, 0.95, "")
