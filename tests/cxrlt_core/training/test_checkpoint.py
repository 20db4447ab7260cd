from pathlib import Path

import pytest
import torch

from cxrlt_core.training.checkpoint import Checkpoint

STATE = {"model": {"w": torch.arange(3.0)}, "history": [{"epoch": 1, "loss": 0.5}], "seconds": 1.5}


def test_round_trip_of_a_run_that_its_definition_tells(tmp_path):
    checkpoint = Checkpoint(tmp_path / "new", seed=0)
    assert checkpoint.load() is None
    checkpoint.save(STATE)
    loaded = Checkpoint(tmp_path / "new", seed=0).load()
    assert torch.equal(loaded["model"]["w"], STATE["model"]["w"])
    assert loaded["history"] == STATE["history"] and loaded["seconds"] == 1.5
    assert [file.name for file in (tmp_path / "new").iterdir()] == [checkpoint.path.name]
    paths = {Checkpoint(tmp_path, **d).path for d in ({}, {"a": 1}, {"a": 2}, {"b": 1}, {"a": {"c": [1, 2]}})}
    assert len(paths) == 5
    assert Checkpoint(tmp_path, a=1, b=2).path == Checkpoint(tmp_path, b=2, a=1).path


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04" + b"0" * 100, None, "one bit"])
def test_an_unreadable_file_is_set_aside_and_training_starts_anew(content, tmp_path, capsys):
    checkpoint = Checkpoint(tmp_path, seed=0)
    checkpoint.save(STATE)
    whole = checkpoint.path.read_bytes()
    if content == "one bit":
        middle = len(whole) // 2
        content = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    checkpoint.path.write_bytes(whole[:-50] if content is None else content)
    assert checkpoint.load() is None
    assert not checkpoint.path.exists() and checkpoint.path.with_suffix(".bad").exists()
    assert capsys.readouterr().out.count("\n") == 1
    checkpoint.save(STATE)
    assert checkpoint.load() is not None


def test_pickled_objects_and_the_file_of_another_run_are_not_loaded(tmp_path, capsys):
    """Not even those behind a digest that is right."""
    checkpoint, other = Checkpoint(tmp_path), Checkpoint(tmp_path, seed=1)
    checkpoint.save({"model": Path("x")})
    assert checkpoint.path.exists() and checkpoint.load() is None
    assert "Weights only load failed" in capsys.readouterr().out
    checkpoint.save(STATE)
    checkpoint.path.rename(other.path)
    assert other.load() is None and other.path.with_suffix(".bad").exists()
    assert "of another run" in capsys.readouterr().out
