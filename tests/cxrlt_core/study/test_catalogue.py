"""Which file a step is about, and what a docstring says of a trick."""

from types import ModuleType

import pytest

from cxrlt_core.study.catalogue import claimed, said, trick_of


@pytest.mark.parametrize(
    ("what", "change", "name"),
    [
        ("MixUp", "off → ✓", "designs.mixup"),
        ("loss", "off → focal", "losses.focal"),
        ("loss", "focal → asl", "losses.asl"),
        ("ensemble", "model-wise → shrunk", "designs.shrunk"),
        ("text encoder", "pubmedbert → clinical_t5", "designs.text_encoder"),
    ],
)
def test_a_step_is_about_the_file_of_what_it_changes_to(smoke, what, change, name):
    assert trick_of(smoke, what, change).__name__ == f"cxrlt_core.{name}"


@pytest.mark.parametrize("what", ["ema", "start", "MixUp + TTA", "image encoder"])
def test_what_has_no_file_of_its_own_is_about_none(smoke, what):
    assert trick_of(smoke, what, "a → b") is None


def test_a_line_of_a_docstring_ends_at_the_next_one():
    text = "New: a trick.\n\nCost: none.\nClaimed: +1 mAP,\nsomewhere.\nSaid to help: all."
    module = ModuleType("new", text)
    assert (said(module, "Cost"), claimed(module)) == ("none", "+1 mAP, somewhere")
    assert claimed(ModuleType("silent")) == "not stated"
