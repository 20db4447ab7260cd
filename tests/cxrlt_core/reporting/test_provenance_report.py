import pytest
from made_results import make_results

from cxrlt_core.reporting.provenance_report import provenance_section
from cxrlt_core.results.models import Seen
from tests.bad_input.params import SMOKE


@pytest.mark.parametrize(
    ("changes", "seen", "words"),
    [
        ({}, {}, "none before training: its weights were random"),
        ({"pretrained": True, "model": "resnet50"}, {}, "none before training: timm's own weights"),
        ({"pretrained": True, "model": "hf-hub:lab/vit", "revision": "v1"}, {}, "not known: "),
        ({"pretrained": "data/image_encoders/a.pth"}, {}, "not known: "),
        ({"pretrained": True}, {"resnet50": Seen(12, 2000, 5, 812)}, "12 of 2,000 before training, of 5 of"),
    ],
)
def test_what_an_encoder_has_seen_of_the_test_set_is_told_or_that_it_is_not_known(
    changed, changes, seen, words
):
    encoder = SMOKE["image_encoders"]["resnet50"] | changes
    params = changed({"image_encoders.resnet50": encoder})
    text = provenance_section(make_results(params, seen=seen))
    assert f"| test images that `resnet50` has seen | {words}" in text
    assert "| test images that `densenet121` has seen | none before training" in text
