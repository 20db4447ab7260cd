"""How a stage ends: one line, and the code that says why."""

import errno
import signal
import subprocess
import sys
from operator import attrgetter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cxrlt_core.system import atomic as atomic_module
from cxrlt_core.system.atomic import atomic
from cxrlt_core.system.errors import Stopped, StudyError
from cxrlt_core.system.files import write_json, write_parquet, write_text
from cxrlt_core.system.tensors import write_tensors
from stages import embed, encoder, evaluate, harmonize, pack, train, tta
from stages.artifacts import border
from stages.artifacts.parameters import load_params
from tests.architecture import ROOT


@pytest.fixture
def ends(monkeypatch, capsys):
    """Run a stage of which only ``main`` matters; return its exit code or line, and what it printed."""
    monkeypatch.setattr(border, "params_of", lambda module: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(main, *words):
        monkeypatch.setattr(sys, "argv", ["stage", *words])
        with pytest.raises(SystemExit) as ending:
            border.run_stage(main)
        return ending.value.code, capsys.readouterr().out

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def raising(error):
    def main(params):
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (StudyError("x: bad"), "error: x: bad", ""),
        (OSError(errno.EROFS, "Read-only file system", "a/b"), "error: a/b: Read-only file system", ""),
        (OSError("odd"), "error: odd", ""),
        (
            Stopped(143, "training is saved at step 3 of 9"),
            143,
            "stopped by SIGTERM: training is saved at step 3 of 9; dvc repro goes on from there\n",
        ),
        (Stopped(143, None), 143, ""),
        (SystemExit(3), 3, ""),
    ],
    ids=str,
)
def test_every_end_is_a_line_or_less(ends, error, code, line):
    assert ends(raising(error)) == (code, line)


SIGNALLED = """
import os, signal, sys
from stages.artifacts import border

signal.signal(signal.SIGINT, signal.{handler})
border.params_of = lambda module: None
border.check_item = lambda *_: None

class Collected:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        sys.getsizeof(0)

def main(params):
    {action}
    print("went on")

sys.argv = ["stage"]
border.run_stage(main)
print("ended well")
"""
WELL = "went on\nended well\n"
KILL = "os.kill(os.getpid(), signal.{name})"
SWALLOW = "Collected()"  # Python drops what is raised there


def signalled(name: str, action: str, handler: str = "default_int_handler"):
    """Run a stage that gets a signal; return its exit code and what it printed."""
    script = SIGNALLED.format(name=name, action=action.format(name=name), handler=handler)
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.parametrize(("name", "code", "words"), [("SIGINT", 130, "Ctrl-C"), ("SIGTERM", 143, "SIGTERM")])
def test_no_signal_is_swallowed_but_ctrl_c_in_the_background(name, code, words):
    line = f"stopped by {words}: finished stages are saved; dvc repro goes on from there\n"
    assert signalled(name, KILL) == (code, line)
    assert signalled(name, SWALLOW) == (code, line)
    if name == "SIGINT":
        assert signalled(name, KILL, "SIG_IGN") == (0, WELL)


IMPORTING = """
import os, time

while os.getppid() == int(os.environ["SHELL_PID"]):
    time.sleep(0.01)
"""
STOPPED = "stopped by SIGTERM: finished stages are saved; dvc repro goes on from there\n"


@pytest.mark.parametrize(
    ("mark", "said"), [("DVC_STAGE=a", STOPPED), ("DVC_STAGE=a CXRLT_LAUNCHED=1", WELL), ("", WELL)]
)
def test_a_stage_whose_dvc_died_while_it_imported_ends(mark, said):
    """A process of a launcher does not, which may be on another machine; nor what DVC has not started."""
    script = IMPORTING + SIGNALLED.format(name="SIGTERM", action="pass", handler="SIG_IGN")
    shell = f"SHELL_PID=$$ {mark} '{sys.executable}' -c '{script}' & sleep 0.2"
    done = subprocess.run(["sh", "-c", shell], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert done.stdout == said


@pytest.mark.parametrize(
    ("prefix", "above"),
    [
        ("torchrun --standalone", "python -m cxrlt_core.system.torchrun --standalone"),
        ("python -X dev", "python -X dev"),
        ("srun -J $DVC_STAGE python", "python -m cxrlt_core.system.launcher srun -J train@a python"),
        ("srun torchrun", "python -m cxrlt_core.system.launcher srun python -m cxrlt_core.system.torchrun"),
    ],
)
def test_a_launcher_starts_the_stage_again_and_what_knows_no_dvc_is_watched(monkeypatch, prefix, above):
    started = {}
    monkeypatch.setenv("DVC_STAGE", "train@a")
    monkeypatch.setattr(border.shutil, "which", lambda name: name)
    monkeypatch.setattr(border.os, "execvpe", lambda *words: started.update(zip("ace", words, strict=True)))
    monkeypatch.setattr(sys, "argv", ["stage", "a"])
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", SimpleNamespace(name="stages.train"))
    border.launch(prefix, "launch.train")
    assert " ".join(started["c"]) == f"{above} -m stages.train a" and started["a"] == "python"
    monkeypatch.setattr(border.os, "environ", started["e"])
    started.clear()
    border.launch(prefix, "launch.train")
    assert not started  # this is the one that was started


@pytest.mark.parametrize(
    ("section", "stage_modules"),
    [
        ("text_encoders", [embed]),
        ("image_encoders", [encoder]),
        ("variants", [train, evaluate, tta]),
        ("data.sources", [harmonize, pack]),
    ],
)
def test_an_unknown_item_is_a_line_with_those_there_are(ends, monkeypatch, section, stage_modules):
    params = load_params(str(ROOT / "profiles/smoke.yaml"))
    monkeypatch.setattr(border, "params_of", lambda module: params)
    known = ", ".join(attrgetter(section)(params))
    for stage in stage_modules:
        assert ends(stage.main, "none") == (f"error: {section}.none: missing key, found {known}", "")


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_text(path, "x"),
        lambda path: write_json(path, {}),
        lambda path: write_parquet(path, pd.DataFrame({"a": [1]})),
        lambda path: write_tensors(path, {"a": np.zeros(3)}),
    ],
)
def test_a_full_disk_or_no_folder_is_a_line_and_leaves_the_old_file(tmp_path, monkeypatch, write):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(StudyError, match=r"y: cannot be written: Not a directory$"), atomic(path / "a/y"):
        pass
    monkeypatch.setattr(atomic_module.os, "replace", full)
    with pytest.raises(StudyError) as caught:
        write(path)
    why = "No space left on device; free some space and run again"
    assert str(caught.value) == f"{path}: cannot be written: {why}"
    assert [file.name for file in tmp_path.iterdir()] == ["x"] and path.read_text() == "old"


def test_python_without_docstrings_is_one_line():
    """A text encoder ended in a traceback of transformers, which reads docstrings."""
    command = [sys.executable, "-OO", "-m", "stages.settings"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: python -OO, or PYTHONOPTIMIZE=2: ")
    assert done.stderr.count("\n") == 1
