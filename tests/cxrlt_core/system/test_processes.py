import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cxrlt_core.system.processes import is_program, termination

REPOSITORY = Path(__file__).parents[3]
#: Writes its number to a file and watches once it may; leaves another file if SIGTERM lets it save things.
SLEEPER = f"""
import os, sys, time
sys.path.insert(0, {str(REPOSITORY)!r})
from cxrlt_core.system import processes

processes.POLL_SECONDS = 0.05
with processes.termination() as asked:
    with open("new", "w") as file:
        file.write(str(os.getpid()))
    os.rename("new", "pid")
    while not os.path.exists("go"):
        time.sleep(0.02)
    processes.end_with_dvc()
    open("watching", "w").close()
    while not asked.code:
        time.sleep(0.02)
    open("saved", "w").close()
"""


def wait_for(condition, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def start(folder, command):
    """Start a command that runs the sleeper; return it and the sleeper."""
    (folder / "sleeper.py").write_text(SLEEPER)
    top = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for((folder / "pid").exists)
    return top, psutil.Process(int((folder / "pid").read_text()))


def ended(process):
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


#: The trailing command keeps a shell from replacing itself.
LAUNCHES = {
    "alone": f"{sys.executable} sleeper.py",
    "shell": f"bash -c '{sys.executable} sleeper.py; true'",
    "launcher": f"bash -c '{sys.executable} launcher.py; true'",
}
LAUNCHER = "import subprocess, sys; subprocess.run([sys.executable, 'sleeper.py'])"


@pytest.mark.dvc
@pytest.mark.parametrize(
    ("launch", "kill", "importing"),
    [
        ("alone", signal.SIGKILL, False),
        ("alone", signal.SIGKILL, True),
        ("shell", signal.SIGTERM, False),
        ("shell", signal.SIGKILL, True),
        ("launcher", signal.SIGKILL, False),
        ("launcher", signal.SIGTERM, False),
    ],
)
def test_the_stage_of_a_killed_dvc_ends(tmp_path, launch, kill, importing):
    """Also if dvc is gone before the stage looks for it, behind its imports."""
    (tmp_path / "launcher.py").write_text(LAUNCHER)
    (tmp_path / "dvc.yaml").write_text(f'stages: {{sleep: {{cmd: "{LAUNCHES[launch]}"}}}}\n')
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True)
    top, sleeper = start(tmp_path, [*dvc, "repro"])
    if not importing:
        (tmp_path / "go").touch()
        wait_for((tmp_path / "watching").exists)
    os.kill(top.pid, kill)  # not waited for yet: a zombie counts as gone
    if importing:
        top.wait()
        (tmp_path / "go").touch()
    wait_for(lambda: ended(sleeper))
    assert (tmp_path / "saved").exists()
    top.wait()


def test_nothing_is_watched_that_dvc_has_not_started(tmp_path):
    (tmp_path / "go").touch()
    top, sleeper = start(tmp_path, [sys.executable, "-c", LAUNCHER])
    top.kill()
    top.wait()
    time.sleep(0.5)
    assert not ended(sleeper)
    sleeper.kill()


@pytest.mark.parametrize(
    ("command", "is_dvc"),
    [
        ("dvc repro", True),
        ("/usr/bin/dvc repro", True),
        ("/env/bin/python /env/bin/dvc repro", True),
        ("/env/bin/python3.11 -m dvc exp run", True),
        ("", False),
        ("bash -c dvc repro", False),
        ("python -m stages.train dvc", False),
        ("make dvc", False),
    ],
)
def test_a_program_is_known_by_its_name(command, is_dvc):
    assert is_program("dvc")(command.split()) == is_dvc


def test_an_import_defines_and_does_nothing_else():
    code = """
import gc, signal, sys, threading
import timm

def state():
    signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return [*gc.get_threshold(), *signals, threading.active_count(), vars(timm.layers).copy()]

before = state()
import cxrlt_core.model.classifier, stages.train
assert state() == before
"""
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


LEAVING = """
import os, signal, sys
from cxrlt_core.system import processes

processes.end_at_signals()

class Collected:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

{action}
print("went on")
"""
LINE = "stopped by Ctrl-C: finished stages are saved; dvc repro goes on from there\n"
#: How a library would get in the way of an exception, or an own block does not heed what it was asked.
ACTIONS = {
    "swallow": "try: signal.raise_signal(signal.SIGINT)\nexcept BaseException: pass",
    "collect": "Collected()",
    "below a bar": "Collected()",
    "noted": "with processes.termination(): signal.raise_signal(signal.SIGINT)",
    "twice": """with processes.termination() as asked:
    signal.raise_signal(signal.SIGINT)
    assert asked.code == 130
    signal.raise_signal(signal.SIGINT)
    os._exit(3)""",
    "printing": "print('before', end=' '); signal.raise_signal(signal.SIGINT)",
    "closed": "os.close(1); signal.raise_signal(signal.SIGINT)",
}


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_in_the_way_of_a_signal(action):
    code = LEAVING.format(action=ACTIONS[action])
    ours, theirs = os.openpty()
    stderr = theirs if action == "below a bar" else subprocess.DEVNULL
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=stderr, text=True)
    os.close(ours), os.close(theirs)
    expected = {"printing": f"before {LINE}", "closed": "", "below a bar": f"\n{LINE}"}
    assert (done.returncode, done.stdout) == (130, expected.get(action, LINE))


@pytest.fixture
def heard():
    """Ctrl-C as in a terminal (a process in the background is started deaf to it), and signals that came."""
    came = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda signum, _: came.append(signum)) for number in numbers}
    yield came
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_termination_notes_a_signal_which_comes_again_at_the_end(number, heard):
    with termination() as asked:
        assert asked.code == 0
        os.kill(os.getpid(), number)
        assert asked.code == 128 + number and not heard
        os.kill(os.getpid(), signal.SIGINT)  # who asks twice does not wait
        assert heard == [signal.SIGINT]
    assert heard == [signal.SIGINT, number]
    with pytest.raises(ValueError), termination():
        os.kill(os.getpid(), number)
        raise ValueError  # who leaves by another way has one
    assert heard == [signal.SIGINT, number]


def test_termination_leaves_ctrl_c_ignored(heard):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with termination() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.code == 0
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked.code == 143
    assert heard == [signal.SIGTERM]
