import pytest
from served import write_pair

from cxrlt_core import load_model
from cxrlt_core.serving.model_card import model_card

ROW = {
    "row": "both", "mAP": "0.31", "mAP_low": "0.29", "mAP_high": "0.33", "mAP_head": "0.5",
    "mAP_head_se": "0.01", "mAP_medium": "0.2", "mAP_medium_se": "", "mAP_tail": "", "mAUROC": "0.8",
    "mAUROC_se": "0.02", "note": "A demo.",
}  # fmt: skip
DATA = {"sources": {"nih": {}, "mine": {}}, "sets": {"test": {"images": 9, "patients": 4}}}


@pytest.fixture
def ensemble(tmp_path):
    write_pair(tmp_path)
    return load_model(tmp_path / "ensembles/both/0", "cpu")


def test_a_card_says_what_it_is_what_it_can_and_what_it_is_not(ensemble):
    classes = {"Hernia": {"AP": 0.25, "AUROC": None, "positive": 7}}
    card = model_card("both", ensemble, [ROW], classes, DATA, ["model.onnx: opset 18"])
    assert "Not a medical device" in card and "## Limits" in card
    assert "| both | 0.31 [0.29, 0.33] | 0.5 ± 0.01 | 0.2 | – | 0.8 ± 0.02 |" in card and "A demo." in card
    assert "| Hernia | – | 0.2500 | – | 7 |" in card and "| Mass | 0.5000 | – | – | – |" in card
    assert "| test | 9 | 4 |" in card and "Sources: nih, mine." in card
    assert "ChestX-ray14: NIH" in card and "mine: ask whoever gave the data" in card and "MIMIC" not in card
    assert card.count("resnet10t") == 2 and "- model.onnx: opset 18" in card


def test_without_a_study_it_says_so_and_names_every_licence(ensemble):
    card = model_card("both", ensemble, [], None, None)
    assert "No table of the study was at hand" in card and "counts were not at hand" in card
    assert "PadChest" in card and "MIMIC-CXR-JPG" in card
