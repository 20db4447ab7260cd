"""The benchmarks of training and of verdicts run on the code as it is."""

from argparse import Namespace

import pytest
import torch

from benchmarks import training, verdicts


@pytest.mark.parametrize(("mode", "label"), [([], "| usual |"), (["--profile"], "| whole step |")])
def test_training_is_measured(mode, label, monkeypatch, capsys):
    sizes = "--size 32 --batch 4 --images 16 --jpeg 32 --workers 0 --turns 1 --steps 1"
    threads = str(torch.get_num_threads())
    words = ["training", *sizes.split(), "--threads", threads, "--device", "cpu", *mode]
    monkeypatch.setattr("sys.argv", words)
    training.main()
    assert label in capsys.readouterr().out


def test_false_verdicts_are_as_rare_as_promised():
    """In 150 whole reports in which nothing does anything: at most 0.05, here known to 0.02."""
    line = verdicts.world_line("alike", 3, 2.0, Namespace(studies=150, resamples=200))
    false, held, _, *rows, _ = map(float, line[3:])
    assert false <= 0.09 and held > 0.93 and min(rows) > 0.92


def test_every_kind_of_studies_is_simulated(monkeypatch, capsys):
    words = "looks equivalence plan systems --studies 8 --resamples 50"
    monkeypatch.setattr("sys.argv", ["verdicts", *words.split()])
    threads = torch.get_num_threads()
    verdicts.main()
    torch.set_num_threads(threads)
    out = capsys.readouterr().out
    assert [line[4:] for line in out.splitlines() if line.startswith("### ")] == words.split()[:4]
