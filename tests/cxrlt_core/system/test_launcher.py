"""A launcher like srun: the stage that it has started may save, however the run is ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.architecture import ROOT

#: Kills what it has started at SIGTERM, hands SIGUSR1 on, and ends with its code.
SRUN = """
import signal, subprocess, sys
task = subprocess.Popen(sys.argv[1:], start_new_session=True)
signal.signal(signal.SIGTERM, lambda *_: task.kill())
signal.signal(signal.SIGUSR1, lambda *_: task.send_signal(signal.SIGUSR1))
sys.exit(task.wait() % 256)
"""
#: Ends at once with the code that it is given, or goes on until it is asked to end, and saves.
STAGE = """
import sys, time
from cxrlt_core.system.processes import end_at_signals, termination

end_at_signals()
with termination() as asked:
    open("begun", "w").close()
    while not asked.code:
        sys.exit(int(sys.argv[1])) if sys.argv[1:] else time.sleep(0.02)
    open("saved", "w").write(str(asked.code))
    print("saved", flush=True)
    sys.exit(143)
"""


def start(folder: Path, *words: str) -> subprocess.Popen:
    (folder / "srun.py").write_text(SRUN)
    (folder / "stage.py").write_text(STAGE)
    command = [sys.executable, "-m", "cxrlt_core.system.launcher", sys.executable, "srun.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*command, sys.executable, "stage.py", *words], cwd=folder, env=environment, stdout=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip


def wait_for(path: Path) -> None:
    limit = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_stage_saves_however_the_run_is_ended(tmp_path, number):
    process = start(tmp_path)
    wait_for(tmp_path / "begun")
    os.killpg(process.pid, number)  # as a terminal does, or who kills all
    said = process.communicate(timeout=30)[0]  # until the last of them has ended
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    assert said == "saved\n" and (tmp_path / "saved").read_text() == "143"


@pytest.mark.parametrize("code", [0, 1, 143])
def test_its_code_is_that_of_the_program(tmp_path, code):
    process = start(tmp_path, str(code))
    assert (process.communicate(timeout=30)[0], process.returncode) == ("", code)


def test_what_is_no_program_is_a_line(tmp_path):
    (tmp_path / "text").write_text("")
    (tmp_path / "text").chmod(0o755)
    command = [sys.executable, "-m", "cxrlt_core.system.launcher", str(tmp_path / "text")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, f"error: {tmp_path}/text: Exec format error\n")
