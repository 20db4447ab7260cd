import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cxrlt_core.packing import lock
from cxrlt_core.packing.lock import exclusive, wait_until_packed
from cxrlt_core.system.errors import StudyError

REPOSITORY = Path(__file__).parents[3]
HOLD = """
import sys, time
from pathlib import Path
from cxrlt_core.packing.lock import exclusive

with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
    print("freed", flush=True)
"""
WAITS = "waiting for the process that packs it"


def hold(array, seconds):
    """Start a process that holds the lock so long, and wait until it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, array, str(seconds)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def array(tmp_path):
    return tmp_path / "store" / "s-24-pad.npy"


def test_a_second_process_waits_and_says_so(array, capsys):
    other = hold(array, 0.5)
    with exclusive(array):
        assert other.stdout.read() == "freed\n"
    assert capsys.readouterr().out == f"{array}: {WAITS}\n"


def test_a_reader_waits_too_and_needs_no_lock_file(array, capsys):
    wait_until_packed(array)
    other = hold(array, 0.5)
    wait_until_packed(array)
    assert other.stdout.read() == "freed\n"
    wait_until_packed(array)
    assert capsys.readouterr().out == f"{array}: {WAITS}\n"


def test_the_dead_hold_no_lock(array, capsys):
    other = hold(array, 60)
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    start = time.monotonic()
    with exclusive(array):
        pass
    assert time.monotonic() - start < 5 and capsys.readouterr().out == ""


def test_other_arrays_do_not_wait(array, capsys):
    with (
        exclusive(array),
        exclusive(array.with_name("s-24-crop.npy")),
        exclusive(array.with_name("t-24-pad.npy")),
    ):
        pass
    assert capsys.readouterr().out == ""


def test_without_locks_in_the_store_the_machine_has_its_own(array, tmp_path, monkeypatch, capsys):
    plain = fcntl.flock

    def flock(file, kind):
        if file.name.startswith(str(array.parent)):
            raise OSError(errno.ENOSYS, "Function not implemented")
        plain(file, kind)

    monkeypatch.setattr(lock.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(lock.fcntl, "flock", flock)
    with exclusive(array):
        [place] = tmp_path.glob("packing-*.lock")
        with place.open() as file, pytest.raises(BlockingIOError):
            plain(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert capsys.readouterr().out == (
        f"{array.parent}: no file locks (Function not implemented): do not pack on two machines at once\n"
    )
    wait_until_packed(array)


def test_a_store_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StudyError, match=r"file: (File exists|Not a directory)$"),
        exclusive(tmp_path / "file/s.npy"),
    ):
        pass
