import sys

import pytest
import tqdm.std

from cxrlt_core.system.progress import SECONDS, progress, task


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have passed: ``clock[0] += 60``."""
    passed = [0.0]
    monkeypatch.setattr(tqdm.std, "time", lambda: passed[0])
    return passed


@pytest.mark.parametrize(("steps", "shown"), [(3, False), (0, True)], ids=["short", "without work"])
def test_nothing_is_said_of_a_short_task_or_at_a_terminal_of_none(steps, shown, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: shown, raising=False)
    with progress(steps, "image", "pack") as bar:
        bar.set_postfix_str("loss 0.25", refresh=False)
        bar.update(3)
    assert capsys.readouterr().err == ""


def test_a_long_one_says_now_and_then_who_where_how_fast_and_how_long(capsys, clock):
    with task("small, seed 1"), progress(1000, "step", "epoch 2 of 4", done=100) as bar:
        bar.set_postfix_str("loss 0.25", refresh=False)
        for _ in range(600):
            clock[0] += SECONDS / 100
            bar.update()
        lines = capsys.readouterr().err.split("\r")[1:]
    assert 4 <= len(lines) <= 6 and lines[0].startswith("small, seed 1: epoch 2 of 4: ")
    for words in (" 200/1000 ", "[01:00<08:00, ", " 1.67 step/s", "loss 0.25"):
        assert words in lines[0]


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with task("small, seed 1"), progress(4, "step", "epoch 2 of 2", done=2, keep=False) as bar:
        bar.set_postfix_str("loss 0.25")
        bar.update(2)
    shown = capsys.readouterr().err
    assert "small, seed 1: epoch 2 of 2: " in shown and "2/4" in shown and "loss 0.25" in shown
