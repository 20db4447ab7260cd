"""A stage that another one has run again ends with it."""

import os
import signal
import sys
from threading import Timer

import pytest

from cxrlt_core.system.errors import Stopped, StudyError
from stages.artifacts import border

#: Ends like a stage at SIGTERM, and tells when it could.
STAGE = """#!/bin/sh
trap 'exit 143' TERM
echo > started
for _ in 1 2 3 4 5 6 7 8 9; do sleep 0.05; done
exit {code}
"""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """Let this be the program of every stage, which ends with a code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(border, "POLL", 0.01)

    def write(code):
        program = tmp_path / "python"
        program.write_text(STAGE.format(code=code))
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))

    return write


def signal_once_it_runs(path):
    again = Timer(0.01, signal_once_it_runs, [path])
    os.kill(os.getpid(), signal.SIGTERM) if path.exists() else again.start()


def test_sigterm_ends_both(stage, tmp_path):
    stage(0)
    signal_once_it_runs(tmp_path / "started")
    with pytest.raises(Stopped) as stopped:
        border.run_again("pack", "nih")
    assert (stopped.value.code, stopped.value.saved) == (143, None)  # the stage has said it


@pytest.mark.parametrize(("code", "error"), [(130, Stopped), (1, StudyError)])
def test_ends_as_the_other_one_does(stage, code, error):
    stage(code)
    with pytest.raises(error):
        border.run_again("pack", "nih")
