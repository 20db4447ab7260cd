"""Text encoders in every format and layout, each the same as transformers' own or an error of one line."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import sentencepiece
import torch
from safetensors.torch import load_file, save_file
from test_repositories import with_heads, with_output, write_vocabulary
from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer, RobertaConfig, T5Config, T5Tokenizer

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.pretrained.text_model import _longest, load_text_model
from cxrlt_core.system.errors import StudyError

Tensors = dict[str, torch.Tensor]
Change = Callable[[Tensors], Tensors]


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("text")
    for name in ("pubmedbert", "clinical_t5"):
        write_text_model(name, root / name, seed=0)
    return {"bert": root / "pubmedbert", "t5": root / "clinical_t5"}


@pytest.fixture
def make(originals, tmp_path) -> Callable[..., Path]:
    """Copy a model, with its weights changed and written in some format."""

    def build(
        name: str, change: Callable[[Tensors], Tensors] = dict, file: str = "model.safetensors"
    ) -> Path:
        folder = tmp_path / "model"
        shutil.copytree(originals[name], folder)
        tensors = {n: t.clone() for n, t in change(load_file(folder / "model.safetensors")).items()}
        (folder / "model.safetensors").unlink()
        (save_file if file.endswith(".safetensors") else torch.save)(tensors, folder / file)
        return folder

    return build


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a local folder needs no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def states(folder: Path) -> torch.Tensor:
    model = load_text_model(str(folder), None)
    tokens = model.tokenizer(list(CLASSES), padding=True, return_tensors="pt")
    with torch.no_grad():
        return model.network(tokens["input_ids"], tokens["attention_mask"]).last_hidden_state


def prefixed(prefix: str) -> Change:
    return lambda tensors: {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def old_names(tensors: Tensors) -> Tensors:
    new = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    result = {name.replace(a, b): t for name, t in tensors.items() for a, b in new.items() if a in name}
    return {**{name: t for name, t in tensors.items() if "LayerNorm" not in name}, **result}


def encoder_alone(tensors: Tensors) -> Tensors:
    kept = {name: tensor for name, tensor in tensors.items() if name.startswith("encoder.")}
    return {**kept, "encoder.embed_tokens.weight": tensors["shared.weight"]}


@pytest.mark.parametrize(
    ("name", "change", "file", "prefix"),
    [
        ("bert", dict, "pytorch_model.bin", ""),
        ("bert", prefixed("module."), "pytorch_model.bin", "module."),
        ("bert", prefixed("module.bert."), "model.safetensors", "module.bert."),
        ("bert", prefixed("encoder."), "model.safetensors", "encoder."),
        ("bert", old_names, "pytorch_model.bin", ""),
        ("t5", with_output, "pytorch_model.bin", ""),
        ("t5", encoder_alone, "model.safetensors", ""),
        ("t5", prefixed("module."), "pytorch_model.bin", "module."),
    ],
)
def test_every_layout_gives_the_same_states(name, change, file, prefix, make, originals):
    folder = make(name, change, file)
    assert states(folder).equal(states(originals[name]))
    origin = load_text_model(str(folder), None).origin
    assert (origin["file"], origin["prefix"], origin["commit"]) == (file, prefix, None)


def test_parts_give_the_same_states(make, originals):
    parts = [f"model-0000{i}-of-00002.safetensors" for i in (1, 2)]
    folder = make("bert", lambda tensors: dict(list(tensors.items())[::2]), parts[0])
    rest = dict(list(load_file(originals["bert"] / "model.safetensors").items())[1::2])
    save_file(rest, folder / parts[1])
    index = {"weight_map": {str(i): part for i, part in enumerate(parts)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert states(folder).equal(states(originals["bert"]))


SMALL = {"vocab_size": 200, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 16, "max_position_embeddings": 80, "pad_token_id": 0}  # fmt: skip
KINDS = ["roberta", "xlm-roberta", "electra", "distilbert", "deberta-v2", "modernbert"]


@pytest.mark.parametrize("kind", KINDS)
def test_other_kinds_are_read_out_of_a_masked_language_model(kind, originals, tmp_path):
    config = AutoConfig.for_model(kind, **SMALL)
    torch.manual_seed(0)
    whole = AutoModelForMaskedLM.from_config(config).eval()
    whole.save_pretrained(tmp_path)
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    for file in originals["bert"].glob("tokenizer*"):
        shutil.copy(file, tmp_path)
    model = load_text_model(str(tmp_path), None)
    ids = torch.tensor([[2, 9, 8, 3]])
    with torch.no_grad():
        expected = whole(ids, output_hidden_states=True).hidden_states[-1]
        result = model.network(ids, torch.ones_like(ids)).last_hidden_state
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_half_precision_is_widened(make):
    folder = make("t5", lambda tensors: {name: t.bfloat16() for name, t in tensors.items()})
    edit(folder, torch_dtype="bfloat16")
    assert {p.dtype for p in load_text_model(str(folder), None).network.parameters()} == {torch.float32}


def edit(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("vocabulary", [True, False])
def test_cxr_bert_is_read_as_the_bert_that_it_is(vocabulary, make, originals):
    """Its config and tokenizer name code in its repository, which is not run."""
    folder = make("bert", lambda t: {**with_heads(t), "cls_projection_head.LayerNorm.weight": torch.ones(2)})
    edit(folder, model_type="cxr-bert", auto_map={"AutoConfig": "x.Config", "AutoModel": "x.Model"})
    if vocabulary:
        write_vocabulary(folder, "vocab.txt")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "CXRBertTokenizer"}')
    assert states(folder).equal(states(originals["bert"]))


def test_a_sentencepiece_model_alone_makes_the_tokenizer_of_t5(make, tmp_path):
    folder = make("t5")
    write_vocabulary(folder, "spiece.model")
    pieces = sentencepiece.SentencePieceProcessor(str(folder / "spiece.model"))
    result = load_text_model(str(folder), None).tokenizer(list(CLASSES))["input_ids"]
    assert result == [[*pieces.encode(label), 1] for label in CLASSES]
    assert isinstance(AutoTokenizer.from_pretrained(folder), T5Tokenizer)


def test_the_longest_text_is_what_positions_and_tokenizer_allow(make):
    folder = make("bert")
    assert load_text_model(str(folder), None).longest == 64
    edit(folder, max_position_embeddings=64)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 40}))
    assert load_text_model(str(folder), None).longest == 40


def test_a_config_brings_no_code_of_a_hub(make, originals):
    folder = make("bert")
    edit(folder, attn_implementation="kernels-community/flash-attn", _attn_implementation="org/own")
    assert states(folder).equal(states(originals["bert"]))


def test_positions_of_roberta_begin_behind_the_padding():
    assert (
        _longest(SimpleNamespace(model_max_length=10**30), RobertaConfig(max_position_embeddings=514)) == 512
    )
    assert _longest(SimpleNamespace(model_max_length=10**30), T5Config()) == 10**30


def without(name: str) -> Change:
    return lambda tensors: {n: tensor for n, tensor in tensors.items() if n != name}


WORDS, QUERY = "embeddings.word_embeddings.weight", "encoder.layer.0.attention.self.query.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without(WORDS), f"expected one encoder in the weights, found no {WORDS} among 38 names: emb"),
        (prefixed("foo_"), "expected one encoder in the weights, found no "),
        (lambda t: {**t, QUERY: torch.ones(3, 3)}, f"1 misshapen: {QUERY} (3, 3) for (64, 64)"),
        (lambda t: t | prefixed("b.")(t), "expected one encoder in the weights, found one under '', 'b.'"),
        (lambda t: prefixed("b.")(t) | {QUERY: t[QUERY]}, f"names are there with and without 'b.': {QUERY}"),
        (lambda t: {**with_heads(t), "visual.conv": torch.ones(1)}, "1 unexpected: visual.conv"),
        (lambda t: {}, "expected one encoder in the weights"),
    ],
)  # fmt: skip
def test_weights_that_do_not_fit_are_one_line(change, message, make):
    assert refusal(make("bert", change)).startswith(message)


def test_layers_without_number_in_the_config_are_named(make):
    folder = make("bert")
    edit(folder, num_hidden_layers=1)
    line = refusal(folder)
    assert line.startswith("16 unexpected: encoder.layer.1.") and line.endswith(" and 13 more")


def refusal(folder: Path) -> str:
    with pytest.raises(StudyError) as caught:
        load_text_model(str(folder), None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("junk", "config.json: no JSON: "),
        ("[]", "config.json: transformers knows no model_type None"),
        ("{}", "config.json: transformers knows no model_type None"),
        ('{"model_type": "own-code"}', "config.json: transformers knows no model_type 'own-code'"),
        ('{"model_type": "gpt2"}', "config.json: 'gpt2' is no text encoder that transformers knows"),
        ('{"model_type": "bert", "hidden_size": "x"}', "config.json: "),
        (None, "no config.json"),
    ],
)
def test_a_broken_config_is_one_line(content, message, make):
    folder = make("bert")
    (folder / "config.json").unlink() if content is None else (folder / "config.json").write_text(content)
    assert refusal(folder).startswith(message)


@pytest.mark.parametrize("junk", [None, "tokenizer.json", "spiece.model"])
def test_an_absent_or_broken_tokenizer_is_one_line(junk, make):
    folder = make("t5")
    (folder / "tokenizer.json").unlink()
    message = "no tokenizer: expected tokenizer.json, vocab.txt, spiece.model"
    if junk:
        message = "no tokenizer can be made: "
        (folder / junk).write_bytes(b"junk")
    assert refusal(folder).startswith(message)
