"""The benchmark of training runs on the code as it is."""

import pytest
import torch

from benchmarks import training


@pytest.mark.parametrize(("mode", "label"), [([], "| usual |"), (["--profile"], "| whole step |")])
def test_training_is_measured(mode, label, monkeypatch, capsys):
    sizes = "--size 32 --batch 4 --images 16 --jpeg 32 --workers 0 --turns 1 --steps 1"
    threads = str(torch.get_num_threads())
    words = ["training", *sizes.split(), "--threads", threads, "--device", "cpu", *mode]
    monkeypatch.setattr("sys.argv", words)
    training.main()
    assert label in capsys.readouterr().out
