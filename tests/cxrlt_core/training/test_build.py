import pytest
import torch
from runs import run, same

from cxrlt_core.system.errors import StudyError


def test_too_few_images_or_too_small_a_batch_are_refused(training):
    with pytest.raises(StudyError, match="training set holds 1 image"):
        training(1)
    with pytest.raises(StudyError, match=r"train.batch_size: 8 .* 5 parts .* expected at least 10$"):
        training(accumulate=5)


def test_a_compiled_network_learns_the_same(training, tmp_path, monkeypatch, capsys):
    """Without a compiler: a line, and the network as it is."""

    def broken(*args):
        raise RuntimeError("no compiler\nhere")

    monkeypatch.setattr(torch, "compile", broken)
    state = run(training(compile=True, epochs=1), tmp_path, "compiled")
    line = "train.compile: left out, torch.compile does not work here: no compiler\n"
    assert capsys.readouterr().out == line
    monkeypatch.setattr(torch, "compile", lambda f: f)
    assert same(state, run(training(compile=True, epochs=1), tmp_path, "plain"))
