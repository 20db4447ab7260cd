import sys

import pytest

from cxrlt_core.system import progress as module
from cxrlt_core.system.progress import progress, task


@pytest.fixture
def clock(monkeypatch):
    """The seconds that have passed: ``clock[0] += 60``."""
    passed = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: passed[0])
    return passed


def test_a_short_task_says_nothing_without_a_terminal(capsys):
    assert list(progress(range(3), "image", "pack")) == [0, 1, 2]
    with progress(3, "image", "pack") as bar:
        bar.update(3)
    assert capsys.readouterr().err == ""


def test_a_line_says_who_where_how_fast_and_how_long(capsys, clock):
    with task("small, seed 1"), progress(1000, "step", "epoch 2 of 4", done=100) as bar:
        bar.set_postfix_str("loss 0.25")
        clock[0] += 60
        bar.update(300)
    assert (
        capsys.readouterr().err
        == "small, seed 1: epoch 2 of 4, step 400 of 1,000, 5/s, 02:00 left, loss 0.25\n"
    )


def test_the_bars_of_a_task_share_its_few_lines(capsys, clock):
    with task("small"):
        for epoch in range(600):  # of a minute each
            with progress(10, "step", f"epoch {epoch + 1}") as bar:
                for _ in range(10):
                    clock[0] += 6
                    bar.update()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 9  # after 1, 3, 7, … 511 minutes
    assert lines[1].startswith("small: epoch 3,")


def test_an_iterable_of_unknown_length_has_no_time_left(capsys, clock):
    for _ in progress(iter("ab"), "row", "read"):
        clock[0] += 60
    assert capsys.readouterr().err == "read, row 1, 0.0167/s\n"


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with task("small, seed 1"), progress(4, "step", "epoch 2 of 2", done=2, keep=False) as bar:
        bar.set_postfix_str("loss 0.25")
        bar.update(2)
    shown = capsys.readouterr().err
    assert "small, seed 1: epoch 2 of 2: " in shown and "2/4" in shown and "loss 0.25" in shown


def test_a_process_without_work_shows_none(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress(0, "step", "epoch 1") as bar:
        bar.set_postfix_str("loss 0.25")
        bar.update()
    assert capsys.readouterr().err == ""
