"""Where a model's files are found: in a folder, or in the hub's cache at a commit."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from hub_cache import COMMIT, OTHER, write_snapshot

from cxrlt_core.pretrained.model_files import find_weights, locate
from cxrlt_core.system.errors import StudyError

ALL = ["model.safetensors", "pytorch_model.bin", "flax_model.msgpack"]


def write(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(name)
    return folder


@pytest.mark.parametrize("position", range(3))
def test_safetensors_come_before_pytorch_before_flax(position, tmp_path):
    folder = write(tmp_path, *ALL[position:])
    files = find_weights(folder)
    assert files.name == ALL[position] and files.weights == [folder / ALL[position]]
    assert files.sha256() == hashlib.sha256(ALL[position].encode()).hexdigest()


def index(folder: Path, name: str, names: list[str]) -> None:
    content = {"weight_map": {f"t{i}": name for i, name in enumerate(names)}}
    (folder / f"{name}.index.json").write_text(json.dumps(content))


def test_parts_are_named_by_their_index(tmp_path):
    parts = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    folder = write(tmp_path, *parts, "pytorch_model-00003-of-00003.bin")
    index(folder, "pytorch_model.bin", [parts[1], parts[0], parts[1]])
    files = find_weights(folder)
    assert files.name == "pytorch_model.bin.index.json"
    assert files.weights == [folder / part for part in parts]
    sums = "".join(f"{hashlib.sha256(part.encode()).hexdigest()}  {part}\n" for part in parts)
    assert files.sha256() == hashlib.sha256(sums.encode()).hexdigest()


def refusal(model: Path | str, revision: str | None = None) -> str:
    with pytest.raises(StudyError) as caught:
        locate(str(model), revision)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_broken_index_or_an_absent_part_is_one_line(tmp_path):
    index(write(tmp_path, "a.bin"), "pytorch_model.bin", ["a.bin", "b.bin"])
    assert refusal(tmp_path) == "pytorch_model.bin.index.json: names files that are not there: b.bin"
    for content in ("junk", "{}", "[]", '{"weight_map": {"a": 3}}', '{"weight_map": {}}'):
        (tmp_path / "model.safetensors.index.json").write_text(content)
        assert refusal(tmp_path).startswith("model.safetensors.index.json: ")


def test_a_folder_without_weights_or_with_a_revision_is_one_line(tmp_path):
    assert "expected model.safetensors, pytorch_model.bin, flax_model.msgpack" in refusal(tmp_path)
    write(tmp_path, "model.safetensors")
    assert "revision 'main' is of a hub's model" in refusal(tmp_path, "main")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """The hub's cache of two commits of one model, offline."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    write_snapshot(folder, "org/name", write(tmp_path / "old", "config.json", *ALL[2:]), OTHER, branch=None)
    write_snapshot(folder, "org/name", write(tmp_path / "new", "config.json", *ALL[1:]), COMMIT)
    return folder


@pytest.mark.parametrize(("revision", "commit"), [(None, COMMIT), ("main", COMMIT), (OTHER, OTHER)])
def test_a_hub_model_is_found_offline_at_its_commit(revision, commit, cache):
    files = locate("org/name", revision)
    assert files.commit == commit and files.folder == cache / "models--org--name/snapshots" / commit
    assert files.name == {COMMIT: "pytorch_model.bin", OTHER: "flax_model.msgpack"}[commit]


@pytest.mark.parametrize(
    ("model", "revision"), [("org/other", None), ("org/name", "v2"), ("org/name", "c" * 40)]
)
def test_what_the_cache_lacks_is_one_line_offline(model, revision, cache):
    assert "cached snapshot" in refusal(model, revision)


def test_only_the_first_weights_are_downloaded_and_at_one_commit(tmp_path, monkeypatch):
    parts = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    files = write(
        tmp_path / "repository", "config.json", "vocab.txt", *parts, "flax_model.msgpack", "tf_model.h5"
    )
    index(files, "pytorch_model.bin", parts)
    asked, snapshot = [], tmp_path / "cache/snapshots" / COMMIT
    snapshot.mkdir(parents=True)

    def download(model: str, revision: str | None, allow_patterns: list[str]) -> str:
        """Put into the cache what matches, as the hub's library does."""
        asked.append(revision)
        for pattern in allow_patterns:
            for file in files.glob(pattern):
                shutil.copy(file, snapshot)
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    located = locate("org/name", "v1")
    assert located.commit == COMMIT and asked == ["v1", COMMIT, COMMIT]
    assert {path.name for path in located.folder.iterdir()} == {
        "config.json", "vocab.txt", "pytorch_model.bin.index.json", *parts,
    }  # fmt: skip
