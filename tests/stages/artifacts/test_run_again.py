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


def signal_once_it_runs(path):
    again = Timer(0.01, signal_once_it_runs, [path])
    os.kill(os.getpid(), signal.SIGTERM) if path.exists() else again.start()


@pytest.mark.parametrize(("code", "error"), [(0, Stopped), (130, Stopped), (1, StudyError)])
def test_ends_at_sigterm_or_as_the_other_one_does(tmp_path, monkeypatch, code, error):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(border, "POLL", 0.01)
    program = tmp_path / "python"  # of every stage
    program.write_text(STAGE.format(code=code))
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    if code == 0:
        signal_once_it_runs(tmp_path / "started")
    with pytest.raises(error) as stopped:
        border.run_again("pack", "nih")
    if code == 0:
        assert (stopped.value.code, stopped.value.saved) == (143, None)  # the stage has said it
