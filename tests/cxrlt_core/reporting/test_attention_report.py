from dataclasses import replace

import pytest
from made_results import LOOKED, make_results

from cxrlt_core.reporting.attention_report import attention_section
from cxrlt_core.results.models import Attention


@pytest.fixture
def write(smoke):
    """Write the section of what was looked at."""

    def section(figure: str = "", **attention) -> str:
        return attention_section(
            make_results(
                smoke, attention=Attention(**{"variant": "base", "grid": 4, "reason": None} | attention)
            ),
            figure,
        )

    return section


def test_every_scored_class_has_a_line_and_those_above_both_levels_are_named(write):
    text = write("PICTURE", classes={"Edema": LOOKED, "Mass": replace(LOOKED, low=0.65)})
    assert "| Edema | head | 40 | 30 | 90.0% | [80.0%, 95.0%] | 50.0% | 70.0% |" in text
    assert "1 of 2 classes lie above both levels with their whole interval: Edema." in text
    assert "4 × 4 cells" in text and "(0.125 of the side)" in text and text.endswith("PICTURE")


def test_one_image_has_no_level_of_others(write):
    text = write(classes={"Mass": replace(LOOKED, others=None)})
    assert "| 50.0% | – |" in text and "whole interval: Mass." in text


def test_real_images_are_not_scored(write):
    text = write("PICTURE", classes={})
    assert "nothing is scored" in text and "PICTURE" in text and "|" not in text


def test_an_encoder_without_a_grid_is_told(write):
    text = write(grid=None, reason="attention: 5 tokens", classes={})
    assert "Not known: attention: 5 tokens." in text
