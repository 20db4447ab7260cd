from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, T5EncoderModel

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.text_models import BERT_WIDTH, T5_WIDTH, write_text_model
from cxrlt_core.system.errors import StudyError

WIDTHS = {"pubmedbert": BERT_WIDTH, "clinical_t5": T5_WIDTH}


@pytest.fixture(scope="module", params=WIDTHS)
def written(request, tmp_path_factory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("text") / "standin"
    write_text_model(request.param, folder, seed=0)
    return request.param, folder


def embed(name: str, folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of the labels as (26, D): the first token's, and the mean over tokens."""
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    loader = T5EncoderModel if name == "clinical_t5" else AutoModel
    model = loader.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    batch = tokenizer(list(CLASSES), padding=True, return_tensors="pt")
    mask = batch["attention_mask"]
    with torch.no_grad():
        states = model(input_ids=batch["input_ids"], attention_mask=mask).last_hidden_state
    return states[:, 0], (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


def test_labels_get_different_embeddings_and_no_unknown_token(written):
    name, folder = written
    for embeddings in embed(name, folder):
        assert embeddings.shape == (26, WIDTHS[name])
        unit = torch.nn.functional.normalize(embeddings, dim=1)
        assert (unit @ unit.T - torch.eye(26)).max() < 0.97
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for label in [*CLASSES, "a chest X-ray with edema, grade 3"]:
        assert tokenizer.unk_token_id not in tokenizer(label)["input_ids"]


def test_the_whole_model_loads_without_warnings_about_weights(written):
    _, folder = written
    assert "untrained stand-in" in (folder / "README.md").read_text(encoding="utf-8")
    model, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert model.config.hidden_size in WIDTHS.values()


def test_the_seed_decides_every_byte(written, tmp_path):
    name, folder = written
    same, other = tmp_path / "same" / folder.name, tmp_path / "other"
    state = torch.random.get_rng_state()
    write_text_model(name, same, seed=0)
    write_text_model(name, other, seed=1)
    assert torch.equal(state, torch.random.get_rng_state())
    for file in folder.iterdir():
        assert file.read_bytes() == (same / file.name).read_bytes(), file.name
    weights = "model.safetensors"
    assert (folder / weights).read_bytes() != (other / weights).read_bytes()


def test_a_full_disk_is_a_line_and_leaves_the_old_folder(written, tmp_path, monkeypatch):
    """The libraries raise errors of their own."""

    def full(self, folder, **_):
        (Path(folder) / "half").touch()
        raise Exception("I/O error: No space left on device (os error 28)")

    name, _ = written
    folder = tmp_path / "standin"
    (folder / "old").mkdir(parents=True)
    monkeypatch.setattr(PreTrainedModel, "save_pretrained", full)
    with pytest.raises(StudyError, match=r"standin: cannot be written: .*No space left.*; free some space"):
        write_text_model(name, folder, seed=0)
    assert [path.name for path in tmp_path.rglob("*")] == ["standin", "old"]
