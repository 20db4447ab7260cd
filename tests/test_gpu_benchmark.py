"""What benchmarks/gpu.sh does with steps that answer, fail or take too long; and its steps, in miniature."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks import gpu
from cxrlt_core.system.errors import StudyError
from tests.architecture import ROOT

STEP = """
import sys, time
print("words of its own")
print("=> what: a: b | c", flush=True)
if sys.argv[1] == "fails":
    sys.exit("no luck")
if sys.argv[1] == "sleeps":
    time.sleep(60)
"""


def test_every_step_is_a_row_however_it_ends(monkeypatch):
    monkeypatch.setattr(gpu, "LEAST", 1)
    command, rows = [sys.executable, "-c", STEP], []
    for name, seconds in (("works", 60), ("fails", 60), ("sleeps", 1), ("late", 0)):
        rows += gpu.answers(gpu.Step(name, 60, "?"), command, seconds)
    assert [row for row in rows if row[1] == "what"] == [
        (name, "what", "a: b | c") for name in ("works", "fails", "sleeps")
    ]
    endings = {step: (what, found) for step, what, found in rows if what != "what"}
    assert endings["works"] == ("time", "0 s")
    assert endings["fails"] == ("failed", "exit code 1, after 0 s; its last line: no luck")
    assert endings["sleeps"][0] == "failed" and "time of this step was up, after 1 s" in endings["sleeps"][1]
    assert endings["late"] == ("failed", "not begun, the time for all steps is up")
    lines = gpu.page(rows, dry=False).splitlines()
    assert r"| works | what | a: b \| c |" in lines and len(lines) == 2 + 2 + len(rows)


def test_its_steps_fit_into_its_ten_minutes_and_leave_time_for_the_grid():
    *others, grid = gpu.STEPS
    assert grid.name == "grid" and gpu.parse([]).minutes == 10
    assert sum(step.seconds for step in others) <= 60 * 10 - 60


def test_the_steps_are_those_that_can_be_run(capsys):
    from benchmarks import gpu_steps

    assert list(gpu_steps.STEPS) == [step.name for step in gpu.STEPS]
    with pytest.raises(SystemExit, match="2"):
        gpu.main(["nonsense"])
    assert "no step 'nonsense', expected some of device, repeat, " in capsys.readouterr().err


def test_a_dry_run_says_what_it_is(tmp_path):
    page = tmp_path / "gpu.md"
    command = [ROOT / "benchmarks/gpu.sh", "--cpu", "--out", page, "device"]
    done = subprocess.run(
        command, env={**os.environ, "VIRTUAL_ENV": sys.prefix}, capture_output=True, text=True
    )
    text = page.read_text()
    assert done.returncode == 0 and "A dry run on the CPU" in text and text in done.stdout
    assert "| device | memory free | " in text and "| device | time | " in text


def test_without_a_gpu_it_ends_after_the_first_step(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "answers", lambda step, *_: [(step.name, "failed", "no GPU")])
    assert gpu.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "| device | failed | no GPU |"
    assert gpu.main(["two", "grid"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "| grid | failed | no GPU |"


@pytest.fixture
def small(monkeypatch):
    """Options of a dry run; trainings run in this process, one after the other."""
    import torch

    from benchmarks import gpu_steps, gpu_training

    monkeypatch.setattr(gpu_steps, "together", lambda asked: list(map(gpu_training.found, asked)))
    options = gpu_steps.options_of(cpu=True)
    options.threads = torch.get_num_threads()
    return options


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("repeat", {"weights of two runs": "the same, to the bit", "kernels that may not repeat": "none"}),
        ("nccl", {"sum and maximum": "right", "images handed round": "right",
                  "weights with DistributedDataParallel": "the same, to the bit"}),
    ],
)  # fmt: skip
def test_a_step_answers(step, expected, small, tmp_path):
    from benchmarks.gpu_steps import STEPS

    assert dict(STEPS[step](small, tmp_path)) == expected


def test_weights_of_streamed_images_and_of_a_run_that_was_stopped_are_compared(small, tmp_path):
    from benchmarks.gpu_steps import STEPS, asked, run

    with pytest.raises(StudyError, match="expected the step repeat before"):
        dict(STEPS["streamed"](small, tmp_path))
    weights = run(asked(small, tmp_path, "whole"))["weights"]
    (tmp_path / "weights").write_text(weights)
    assert [found for _, found in STEPS["streamed"](small, tmp_path)] == ["the same, to the bit"]
    with pytest.raises(SystemExit, match="143"):
        run(replace(asked(small, tmp_path, "stopped"), stop=6))
    assert run(asked(small, tmp_path, "stopped"))["weights"] == weights
    (tmp_path / "weights").write_text("others")
    [(_, found)] = STEPS["streamed"](small, tmp_path)
    assert found == f"DIFFERENT: others and {weights}"


def test_a_gpu_that_is_not_there_is_a_line(tmp_path):
    from benchmarks.gpu_steps import STEPS, options_of

    options = options_of(cpu=False)
    options.device = "cuda:99"
    with pytest.raises(StudyError, match=r"^gpu\.sh: 'cuda:99' cannot be used: "):
        dict(STEPS["device"](options, tmp_path))
