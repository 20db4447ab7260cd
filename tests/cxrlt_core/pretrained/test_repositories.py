"""The text encoders that the profiles name, as small look-alikes with the files of their repositories."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgpack
import numpy as np
import pytest
import sentencepiece
import torch
import yaml
from hub_cache import COMMIT, write_snapshot
from safetensors.torch import load_file

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.designs.text_encoder import TextEncoder, embed_labels

PROFILES = Path(__file__).parents[3] / "profiles"
ENTRY = re.compile(r"^ +(?:# )?(\w+): (\{model: .*, pooling: .*\})$", re.M)
ENTRIES = {
    f"{profile}-{name}": yaml.safe_load(entry)
    for profile in ("nih", "paper")
    for name, entry in ENTRY.findall((PROFILES / f"{profile}.yaml").read_text(encoding="utf-8"))
}
Tensors = dict[str, torch.Tensor]


def with_heads(tensors: Tensors) -> Tensors:
    """As BERT is left by its pretraining."""
    heads = {"cls.predictions.bias": torch.ones(3), "cls.seq_relationship.bias": torch.ones(2)}
    positions = {"bert.embeddings.position_ids": torch.arange(64)[None]}
    return {f"bert.{name}": tensor for name, tensor in tensors.items()} | heads | positions


def projected(tensors: Tensors) -> Tensors:
    return with_heads(tensors) | {"cls_projection_head.dense_to_hidden.weight": torch.ones(2, 2)}


def with_pooler(tensors: Tensors) -> Tensors:
    return {**tensors, "pooler.dense.weight": torch.ones(2, 2), "pooler.dense.bias": torch.ones(2)}


def with_output(tensors: Tensors) -> Tensors:
    """As PyTorch writes a T5: the table of words under all of its names."""
    words = tensors["shared.weight"]
    names = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight")
    return tensors | dict.fromkeys(names, words)


class Repository(NamedTuple):
    """What a repository of the hub, or PhysioNet's folder, holds."""

    standin: str
    weights: str
    tokenizer: str
    tensors: Callable[[Tensors], Tensors] = dict
    config: Mapping[str, Any] = MappingProxyType({})


BERT = Repository("pubmedbert", "pytorch_model.bin", "vocab.txt", with_heads)
T5 = Repository("clinical_t5", "pytorch_model.bin", "spiece.model", with_output)
REPOSITORIES = {
    "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract": BERT,
    "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext": BERT,
    "emilyalsentzer/Bio_ClinicalBERT": BERT,
    "microsoft/BiomedVLP-CXR-BERT-specialized": BERT._replace(
        tensors=projected, config={"model_type": "cxr-bert", "auto_map": {"AutoModel": "x.CXRBertModel"}}
    ),
    "xmcmic/Med-KEBERT": BERT._replace(tensors=with_pooler),
    "luqh/ClinicalT5-base": Repository("clinical_t5", "flax_model.msgpack", "tokenizer.json"),
    "data/text_encoders/Clinical-T5-Base": T5,
    "razent/SciFive-base-Pubmed_PMC": T5,
}


def write_flax(tensors: Tensors, file: Path) -> None:
    """Write a T5 as Flax does: kernels the other way round, tables called embedding."""
    content: dict = {}
    for name, tensor in tensors.items():
        *path, last = name.split(".")
        table = "shared" in path or "relative_attention_bias" in path
        if table or "layer_norm" not in path[-1]:
            tensor, last = (tensor, "embedding") if table else (tensor.T, "kernel")
        values = np.ascontiguousarray(tensor.numpy())
        place = content
        for part in path:
            place = place.setdefault(part, {})
        place[last] = msgpack.ExtType(1, msgpack.packb([values.shape, values.dtype.name, values.tobytes()]))
    file.write_bytes(msgpack.packb(content))


def write_vocabulary(folder: Path, kind: str) -> None:
    """Leave nothing of a tokenizer but one file."""
    if kind == "tokenizer.json":
        return
    words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    for path in folder.glob("tokenizer*"):
        path.unlink()
    if kind == "vocab.txt":
        (folder / kind).write_text("\n".join(sorted(words, key=words.get)) + "\n")
    else:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(CLASSES * 20), model_prefix=str(folder / "spiece"), vocab_size=80,
            pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
        )  # fmt: skip
        (folder / "spiece.vocab").unlink()


def look_alike(repository: Repository, folder: Path) -> None:
    write_text_model(repository.standin, folder, seed=0)
    tensors = repository.tensors(load_file(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    write = write_flax if repository.weights.endswith("msgpack") else torch.save
    write(tensors, folder / repository.weights)
    config = json.loads((folder / "config.json").read_text()) | dict(repository.config)
    (folder / "config.json").write_text(json.dumps(config))
    write_vocabulary(folder, repository.tokenizer)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    from huggingface_hub import constants

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_of_a_profile_loads_by_the_layout_of_its_repository(name, here):
    encoder = TextEncoder(**ENTRIES[name])
    repository = REPOSITORIES[encoder.model]
    local = encoder.model.startswith("data/")
    folder = here / encoder.model if local else here / "made"
    look_alike(repository, folder)
    if not local:
        write_snapshot(here / "hub", encoder.model, folder, COMMIT)
        shutil.rmtree(folder)
    embeddings, origin = embed_labels(CLASSES, encoder, "k")
    assert (origin["file"], origin["commit"]) == (repository.weights, None if local else COMMIT)
    assert origin["share"] == 1
    if repository.tokenizer != "spiece.model":  # another vocabulary than the stand-in's
        write_text_model(repository.standin, here / "original", seed=0)
        original = encoder.model_copy(update={"model": str(here / "original")})
        np.testing.assert_allclose(embeddings, embed_labels(CLASSES, original, "k")[0], atol=1e-6)


def test_the_profiles_name_what_the_study_is_about():
    for profile in ("nih", "paper"):
        named = {entry["model"] for name, entry in ENTRIES.items() if name.startswith(profile)}
        assert named == set(REPOSITORIES)
