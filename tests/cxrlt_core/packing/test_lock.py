import errno
import fcntl
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cxrlt_core.packing.packed_array import READERS_TAKE, exclusive, wait_until_packed
from cxrlt_core.system.errors import StudyError

REPOSITORY = Path(__file__).parents[3]
HOLD = """
import sys, time
from pathlib import Path
from cxrlt_core.packing.packed_array import exclusive

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
    holder = hold(array, 2 * READERS_TAKE)
    with exclusive(array):
        assert holder.stdout.read() == "freed\n"
    assert capsys.readouterr().out == f"{array}: {WAITS}\n"


def test_a_reader_waits_too_and_needs_no_lock_file(array, capsys):
    wait_until_packed(array)
    holder = hold(array, 2 * READERS_TAKE)
    wait_until_packed(array)
    assert holder.stdout.read() == "freed\n"
    wait_until_packed(array)
    assert capsys.readouterr().out == f"{array}: {WAITS}\n"


def test_the_dead_hold_no_lock(array, capsys):
    holder = hold(array, 60)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
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


def test_without_locks_the_file_itself_is_one(array, monkeypatch, capsys):
    def flock(file, kind):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    place = array.with_name(f"{array.name}.lock")
    said = f"{array.parent}: no file locks: if another machine dies, remove {place}\n"
    with exclusive(array):
        assert place.exists() and capsys.readouterr().out == said
        holder = threading.Thread(target=wait_until_packed, args=(array,))
        holder.start()
        holder.join(2 * READERS_TAKE)
        assert holder.is_alive() and capsys.readouterr().out == f"{array}: {WAITS}\n"
    holder.join(10)
    assert not holder.is_alive() and not place.exists()
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    place.write_text(f"{dead.pid}\n{platform.node()}\n")
    with exclusive(array):
        assert capsys.readouterr().out.count(said) == 2


def test_many_readers_do_not_queue_for_long(array, capsys):
    with exclusive(array):
        pass
    start = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        list(pool.map(wait_until_packed, [array] * 320))
    assert time.monotonic() - start < 10 and capsys.readouterr().out == ""


def test_a_store_that_may_only_be_read_is_read(array, monkeypatch):
    with exclusive(array):
        pass

    def denied(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "open", denied)
    wait_until_packed(array)
    with pytest.raises(StudyError, match=r"s-24-pad.npy.lock: Permission denied$"), exclusive(array):
        pass


def test_a_store_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(StudyError, match=r"file: (File exists|Not a directory)$"),
        exclusive(tmp_path / "file/s.npy"),
    ):
        pass
