import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from settings import usual
from transformers import AutoTokenizer, BertModel, T5EncoderModel

from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.designs.text_encoder import embed_labels, pool
from cxrlt_core.labels import CLASSES
from cxrlt_core.model.query_network import label_coordinates
from cxrlt_core.params.schema import TextEncoder
from cxrlt_core.system.errors import StudyError

LABELS = ["Edema", "Calcification of the Aorta", "Mass"]
LOADERS = {"pubmedbert": BertModel, "clinical_t5": T5EncoderModel}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("text")
    for name in LOADERS:
        write_text_model(name, root / name, seed=0)
    return {name: root / name for name in LOADERS}


def alone(name: str, folder: Path, text: str, pooling: str) -> np.ndarray:
    """Embed one text without a batch, so without padding."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = LOADERS[name].from_pretrained(folder).eval()
    with torch.no_grad():
        states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    return (states[0] if pooling == "cls" else states.mean(0)).numpy()


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_equals_each_label_alone(name, pooling, folders):
    encoder = usual(TextEncoder, model=str(folders[name]), pooling=pooling)
    embeddings = embed_labels(LABELS, encoder, "k")
    assert embeddings.dtype == np.float32
    expected = [alone(name, folders[name], label, pooling) for label in LABELS]
    np.testing.assert_allclose(embeddings, expected, atol=1e-4)


def test_the_prompt_is_what_is_encoded(folders):
    encoder = usual(
        TextEncoder, model=str(folders["pubmedbert"]), pooling="cls", prompt="a chest x-ray with {label}."
    )
    expected = alone("pubmedbert", folders["pubmedbert"], "a chest x-ray with Mass.", "cls")
    np.testing.assert_allclose(embed_labels(LABELS, encoder, "k")[2], expected, atol=1e-4)


def test_encoders_arrange_the_labels_differently(folders):
    """Design 1: another text encoder, or another pooling, gives other coordinates."""
    found = [
        label_coordinates(embed_labels(CLASSES, usual(TextEncoder, model=str(folder), pooling=pooling), "k"))
        for folder in folders.values()
        for pooling in ("cls", "mean")
    ]
    for i, one in enumerate(found):
        assert all(np.abs(one - other).max() > 0.1 for other in found[:i])


def test_the_same_call_gives_the_same_bits(folders):
    encoder = usual(TextEncoder, model=str(folders["clinical_t5"]), pooling="mean")
    np.testing.assert_array_equal(embed_labels(LABELS, encoder, "k"), embed_labels(LABELS, encoder, "k"))


def test_the_mean_leaves_padding_out():
    hidden = torch.tensor([[[1.0], [3.0], [100.0]], [[1.0], [2.0], [6.0]]])
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert pool(hidden, mask, "mean").tolist() == [[2.0], [3.0]]
    assert pool(hidden, mask, "cls").tolist() == [[1.0], [1.0]]


def refusal(model: str) -> str:
    start = time.perf_counter()
    with pytest.raises(StudyError) as caught:
        embed_labels(LABELS, usual(TextEncoder, model=model, pooling="cls"), "text_encoders.x")
    message = str(caught.value)
    assert message.startswith(f"text_encoders.x.model: cannot load {model!r}") and "\n" not in message
    assert time.perf_counter() - start < 5
    return message


@pytest.mark.parametrize("model", ["/nowhere/model", "data/text_encoders/none", "a b c"])
def test_a_missing_folder_is_one_line(model):
    assert "no such local folder" in refusal(model)


def test_a_hub_id_without_network_is_one_line(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # as HF_HUB_OFFLINE=1 does at import
    assert "no such local folder, so a hub id" in refusal("no-such-organisation/no-such-model")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_broken_folder_is_one_line(file, folders, tmp_path):
    shutil.copytree(folders["pubmedbert"], tmp_path / "broken")
    (tmp_path / "broken" / file).write_bytes(b"junk")
    assert "(local folder)" in refusal(str(tmp_path / "broken"))


def test_pickled_weights_are_not_read(folders, tmp_path):
    shutil.copytree(folders["pubmedbert"], tmp_path / "pickled")
    (tmp_path / "pickled" / "model.safetensors").unlink()
    torch.save({}, tmp_path / "pickled" / "pytorch_model.bin")
    refusal(str(tmp_path / "pickled"))
