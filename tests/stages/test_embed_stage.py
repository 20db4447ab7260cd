"""The stage embed: what it writes beside the embeddings, and that a pin changes nothing."""

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from hub_cache import COMMIT, write_snapshot
from huggingface_hub import constants

from cxrlt_core.demo.classes import CLASSES
from cxrlt_core.demo.text_models import write_text_model
from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.files import read_json
from cxrlt_core.system.tensors import read_tensor_metadata, read_tensors
from stages import embed
from tests.bad_input.params import with_changes

OUT = Path("data/text/pubmedbert.safetensors")


def test_the_origin_of_the_weights_is_written_and_a_pin_changes_nothing(tmp_path, monkeypatch, capsys):
    """Of a stand-in in the cache of the hub, offline: pinning what was fetched trains nothing again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    write_text_model("pubmedbert", tmp_path / "model", seed=0)
    write_snapshot(tmp_path / "hub", "org/bert", tmp_path / "model", COMMIT)

    def run(revision: str | None) -> bytes:
        changes = {"model": "org/bert", "revision": revision}
        content = with_changes({f"text_encoders.pubmedbert.{key}": value for key, value in changes.items()})
        embed.main(parse_params(content), "pubmedbert")
        return OUT.read_bytes()

    content = run(None)
    metadata = read_tensor_metadata(OUT)
    origin = json.loads(metadata["weights"])
    digest = hashlib.sha256((tmp_path / "model/model.safetensors").read_bytes()).hexdigest()
    assert (origin["commit"], origin["file"], origin["sha256"]) == (COMMIT, "model.safetensors", digest)
    assert (metadata["encoder"], metadata["revision"], metadata["pooling"]) == ("org/bert", COMMIT, "cls")
    assert json.loads(metadata["prompts"]) == list(CLASSES)
    assert read_tensors(OUT)["embeddings"].shape == (26, 64)
    line = capsys.readouterr().out
    assert line.startswith(f"text_encoders.pubmedbert: org/bert: commit {COMMIT}, model.safetensors (SHA-256")
    assert line.count("\n") == 1
    assert run("main") == run(COMMIT) == content
    computed = read_json(OUT.with_suffix(".json"))  # beside it: a training depends on the embeddings alone
    assert computed["torch"] == version("torch") and computed["when"]
