import pytest
import torch

from cxrlt_core.checkpoint import Checkpoint

STATE = {"model": {"w": torch.arange(3.0)}, "history": [{"epoch": 1, "loss": 0.5}], "seconds": 1.5}


def test_round_trip(tmp_path):
    checkpoint = Checkpoint(tmp_path / "new", seed=0)
    assert checkpoint.load() is None
    checkpoint.save(STATE)
    loaded = Checkpoint(tmp_path / "new", seed=0).load()
    assert torch.equal(loaded["model"]["w"], STATE["model"]["w"])
    assert loaded["history"] == STATE["history"] and loaded["seconds"] == 1.5
    assert [file.name for file in (tmp_path / "new").iterdir()] == [checkpoint.path.name]


def test_what_is_defined_otherwise_is_another_run(tmp_path):
    paths = {Checkpoint(tmp_path, **d).path for d in ({}, {"a": 1}, {"a": 2}, {"b": 1}, {"a": {"c": [1, 2]}})}
    assert len(paths) == 5
    assert Checkpoint(tmp_path, a=1, b=2).path == Checkpoint(tmp_path, b=2, a=1).path


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04" + b"0" * 100, None])
def test_an_unreadable_file_is_set_aside_and_training_starts_anew(content, tmp_path, capsys):
    checkpoint = Checkpoint(tmp_path, seed=0)
    checkpoint.save(STATE)
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-50] if content is None else content)
    assert checkpoint.load() is None
    assert not checkpoint.path.exists() and checkpoint.path.with_suffix(".bad").exists()
    assert capsys.readouterr().out.count("\n") == 1
    checkpoint.save(STATE)
    assert checkpoint.load() is not None


def test_pickled_objects_are_not_loaded(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    torch.save({"model": Checkpoint(tmp_path)}, checkpoint.path)
    assert checkpoint.load() is None


def test_removing_twice_is_no_error(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    checkpoint.save(STATE)
    checkpoint.remove()
    checkpoint.remove()
    assert checkpoint.load() is None
