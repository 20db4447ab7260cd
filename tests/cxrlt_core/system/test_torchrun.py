"""Two processes on the CPU, of which one is killed or fails."""

import os
import signal
import subprocess
import sys

import pytest

from cxrlt_core.system.errors import LOST
from cxrlt_core.system.torchrun import why_ended
from tests.architecture import ROOT

#: Rank 1 is killed; rank 0 waits for it, as for a gradient.
KILLED = """
import os, torch
from cxrlt_core.system.distributed import open_ranks
from cxrlt_core.system.errors import Stopped
from stages.artifacts.border import leave

try:
    with open_ranks(torch.device("cpu")) as ranks:
        ranks.highest(0)
        if ranks.rank == 1:
            os.kill(os.getpid(), 9)
        ranks.highest(0)
except Stopped as ending:
    leave(ending)
"""
#: Rank 1 fails before the two have met.
FAILED = """
import os, sys, time

if os.environ["RANK"] == "1":
    sys.exit("error: bad")
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (
            KILLED,
            "error: process 1 was killed (SIGKILL), and the others ended with it; "
            "dvc repro goes on from what is saved",
        ),
        (FAILED, "error: bad"),
    ],
    ids=["killed", "failed"],
)
def test_all_end_with_one_line_and_nothing_stays_behind(tmp_path, work, line):
    (tmp_path / "work.py").write_text(work)
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "cxrlt_core.system.torchrun", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(tmp_path / "work.py")], capture_output=True, text=True,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp")},
    )  # fmt: skip
    assert (done.returncode, done.stderr.strip()) == (1, line)
    assert not list((tmp_path / "tmp").iterdir())


def test_why_the_processes_ended():
    assert (
        why_ended({0: LOST, 1: -signal.SIGSEGV})
        == "process 1 was killed (SIGSEGV), and the others ended with it"
    )
    assert why_ended({0: LOST, 1: LOST}) == "the processes have lost each other"
    assert why_ended({0: LOST, 1: 1}) is None and why_ended({0: -15, 1: 1}) is None
