"""Files that Flax itself has written (see make_flax.py) give what PyTorch gives."""

import json
from pathlib import Path

import msgpack
import numpy as np
import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForTextEncoding

from cxrlt_core.pretrained.strict import load_strict
from cxrlt_core.pretrained.tensor_files import read_flax, read_tensor_files
from cxrlt_core.pretrained.text_model import IGNORED, without_prefix

FILES = Path(__file__).parent / "flax"
IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 9, 3, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]])
ANCHORS = {"bert": ["embeddings.word_embeddings.weight"], "t5": ["shared.weight"]}


@pytest.mark.parametrize("name", ["bert", "t5"])
def test_flax_weights_give_the_states_of_pytorch(name):
    network = AutoModelForTextEncoding.from_config(
        CONFIG_MAPPING[name].from_dict(json.loads((FILES / name / "config.json").read_text()))
    )
    network.pooler = None
    tensors, _ = without_prefix(read_tensor_files([FILES / name / "flax_model.msgpack"]), ANCHORS[name])
    load_strict(network, tensors, IGNORED)
    with torch.no_grad():
        states = network.eval()(input_ids=IDS, attention_mask=MASK).last_hidden_state.numpy()
    expected = np.array(json.loads((FILES / name / "states.json").read_text()))
    np.testing.assert_allclose(states, expected, atol=1e-5)


def pack(content: object) -> bytes:
    return msgpack.packb(content)


def array(values: np.ndarray) -> msgpack.ExtType:
    return msgpack.ExtType(1, pack([values.shape, values.dtype.name, values.tobytes()]))


def read(tmp_path: Path, raw: bytes) -> dict:
    (tmp_path / "flax_model.msgpack").write_bytes(raw)
    return read_flax(tmp_path / "flax_model.msgpack")


def test_an_array_that_flax_has_cut_is_joined_and_bfloat16_is_read(tmp_path):
    whole = np.arange(12, dtype=np.float32).reshape(4, 3)
    chunks = {str(i): array(part) for i, part in enumerate(np.split(whole.ravel(), [5, 10]))}
    cut = {"__msgpack_chunked_array__": True, "shape": {"0": 4, "1": 3}, "chunks": chunks}
    tensors_read = read(tmp_path, pack({"dense": {"kernel": cut}, "norm": {"scale": array(whole[0])}}))
    np.testing.assert_array_equal(tensors_read["dense"]["weight"].numpy(), whole.T)
    np.testing.assert_array_equal(tensors_read["norm"]["weight"].numpy(), whole[0])
    raw = torch.tensor([1.5, -2.0], dtype=torch.bfloat16)
    data = msgpack.ExtType(1, pack([[2], "bfloat16", raw.view(torch.uint8).numpy().tobytes()]))
    assert read(tmp_path, pack({"bias": data}))["bias"].equal(raw)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ({"step": 3}, "step: expected an array, found int"),
        ([1, 2], "no parameters by name"),
        ({"a": msgpack.ExtType(1, pack([[1], "object", b"x"]))}, "no dtype 'object'"),
        ({"a": msgpack.ExtType(3, b"x")}, "extension of type 3"),
        ({"kernel": array(np.ones(1)), "embedding": array(np.ones(1))}, "weight is there already"),
    ],
)
def test_anything_but_arrays_is_refused(content, word, tmp_path):
    with pytest.raises(ValueError, match=word):
        read(tmp_path, pack(content))
