import pytest
from served import write_pair

from cxrlt_core import load_model
from cxrlt_core.serving.model_card import Known, model_card

ROW = {
    "row": "both", "mAP": 0.31, "mAP_low": 0.29, "mAP_high": 0.33, "mAP_head": 0.5,
    "mAP_head_se": 0.01, "mAP_medium": 0.2, "mAP_medium_se": None, "mAP_tail": None, "mAUROC": 0.8,
    "mAUROC_se": 0.02, "note": "A demo.",
}  # fmt: skip
UNKNOWN = dict.fromkeys(("AP", "AP_low", "AP_high", "AUROC")) | {"positive": 0, "known": 9, "patients": 0}
DATA = {"sources": {"nih": {}, "mine": {}}, "sets": {"test": {"images": 9, "patients": 4}}}


@pytest.fixture
def ensemble(tmp_path):
    write_pair(tmp_path)
    return load_model(tmp_path / "ensembles/both/0", "cpu")


def test_a_card_says_what_it_is_what_it_can_and_what_it_is_not(ensemble):
    hernia = {
        **UNKNOWN,
        "AP": 0.25,
        "AP_low": 0.1,
        "AP_high": 0.3,
        "positive": 7,
        "known": 70,
        "patients": 5,
    }
    known = Known([ROW], {"Hernia": hernia}, "On test data.", "A demo.", DATA)
    card = model_card("both", ensemble, known, ["model.onnx: opset 18"])
    assert "Not a medical device" in card and "## Limits" in card
    row = "| both | 0.3100 [0.2900, 0.3300] | 0.5000 ± 0.0100 | 0.2000 | – | 0.8000 ± 0.0200 |"
    assert row in card
    assert "| Hernia | – | 0.2500 [0.1000, 0.3000] | – | 0.1000 | 7 | 5 |" in card
    assert "| Mass | 0.5000 | – | – | – | – | – |" in card and "On test data." in card
    assert card.count("**A demo.**") == 2  # wherever there are numbers
    assert "| test | 9 | 4 |" in card and "Sources: nih, mine." in card
    assert "ChestX-ray14: NIH" in card and "mine: ask whoever gave the data" in card and "MIMIC" not in card
    assert card.count("resnet10t") == 2 and "- model.onnx: opset 18" in card


def test_without_a_study_it_says_so_and_names_every_licence(ensemble):
    card = model_card("both", ensemble, Known())
    assert "no row of the study's tables, or they were not at hand" in card
    assert "counts were not at hand" in card and "No scores of the study" in card
    assert "PadChest" in card and "MIMIC-CXR-JPG" in card
    card = model_card("both", ensemble, Known(classes={"Mass": UNKNOWN}))
    assert "| Mass | 0.5000 | – | – | 0.0000 | 0 | 0 |" in card  # an undefined class has no interval
