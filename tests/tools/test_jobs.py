"""The order of jobs, what fails, what is told and how it ends; the smoke study runs with two jobs."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
import yaml
from networkx import DiGraph

from cxrlt_core.study.parse import parse_params
from cxrlt_core.system.errors import StudyError
from tests.architecture import ROOT
from tools import jobs
from tools.jobs import Jobs, number_of_jobs

#: Says when it begins and ends, and what device it sees; ``bad`` fails. The trainings a, b and c wait for
#: each other, as many as are to run at once.
STAGE = """
import os, sys, time
name = sys.argv[1]
print(f"begins {os.environ.get('CUDA_VISIBLE_DEVICES')}", flush=True)
open("log", "a").write(f"+{name}\\n")
limit = time.monotonic() + 30
while name[:6] == "train@" and name != "train@d" and time.monotonic() < limit:
    if open("log").read().count("+train@") >= int(os.environ.get("TOGETHER", 0)):
        break
    time.sleep(0.01)
open("log", "a").write(f"-{name}\\n")
sys.exit(name == "bad")
"""
COMMAND = [sys.executable, "-c", STAGE]
NEEDS = {"data": [], "train@a": ["data"], "train@b": ["data"], "train@c": ["data"], "weights": ["train@b"]}
NEEDS |= {"train@d": ["weights"], "report": ["train@a", "train@b", "train@c", "train@d"]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def log() -> list[str]:
    return Path("log").read_text().split()


def at_once(lines: list[str]) -> int:
    """The most that ran at a time."""
    running = most = 0
    for line in lines:
        running += 1 if line[0] == "+" else -1
        most = max(most, running)
    return most


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_stage_runs_once_what_it_needs_is_done_and_so_many_run_at_once(number, monkeypatch):
    monkeypatch.setenv("TOGETHER", str(min(number, 3)))
    work = Jobs(NEEDS, number, COMMAND)
    assert work.run() == 0 and not work.failed and set(work.done) == set(NEEDS)
    lines = log()
    assert sorted(lines) == sorted(f"{mark}{name}" for name in NEEDS for mark in "+-")
    for name, needs in NEEDS.items():
        assert all(lines.index(f"-{need}") < lines.index(f"+{name}") for need in needs)
    assert at_once(lines) == min(number, 3)


def test_what_most_waits_for_begins_first():
    work = Jobs(NEEDS, 1, COMMAND)
    work.run()
    assert work.done[:3] == ["data", "train@b", "weights"]


def test_of_two_that_as_many_wait_for_the_one_that_waited_for_most_begins_first():
    needs = {"a": [], "b": [], "few": ["a"], "all": ["a", "b"], "report": ["few", "all"]}
    work = Jobs(needs, 1, COMMAND)
    work.run()
    assert work.done == ["a", "b", "all", "few", "report"]


def test_a_failure_lets_the_others_end_and_what_needs_it_is_not_begun(capfd):
    needs = {
        "bad": [],
        "good": [],
        "after good": ["good"],
        "after bad": ["bad"],
        "after both": ["bad", "good"],
    }
    work = Jobs(needs, 2, COMMAND)
    assert work.run() == 0
    assert work.failed == ["bad"] and set(work.done) == {"good", "after good"}
    assert work.skipped() == ["after bad", "after both"]
    said = capfd.readouterr().out.splitlines()
    assert "[good] begins None" in said
    assert said[-1] == "== 2 of 5 stages done, running: none; failed: bad"


def test_each_job_sees_a_device_of_its_own(capfd):
    Jobs({name: [] for name in "abc"}, 3, COMMAND, ["0", "7"]).run()
    seen = sorted(line[-1] for line in capfd.readouterr().out.splitlines() if "begins" in line)
    assert seen == ["0", "0", "7"]


def test_the_time_left_is_told_once_every_kind_of_several_stages_is_known():
    work = Jobs({"train@a": [], "train@b": [], "train@c": [], "report": []}, 2, COMMAND)
    assert "left" not in work.progress()
    work.done, work._seconds = ["train@a"], {"train": [60.0]}
    assert work.progress().endswith("about 01:00 left")
    work._seconds = {"report": [9.0], "train": [60.0, 30.0]}
    assert work.summary() == "2 train 01:30, 1 report 00:09"


SCHEDULER = """
import sys
from tools.jobs import Jobs
work = Jobs({{"a": [], "b": ["a"]}}, 1, [sys.executable, "-c", {stage!r}])
sys.exit(work.run())
"""
LONG = """
import os, time
open("pid", "w").write(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_or_a_kill_ends_the_jobs_too(number):
    command = [sys.executable, "-c", SCHEDULER.format(stage=LONG)]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
    limit = time.monotonic() + 30
    while not (Path("pid").exists() and Path("pid").read_text()) and time.monotonic() < limit:
        time.sleep(0.02)
    child = int(Path("pid").read_text())
    threading.Timer(0.1, process.send_signal, [number]).start()
    assert process.wait(timeout=30) in (143, -number)
    while time.monotonic() < limit:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("the job went on")


def test_auto_is_a_gpu_or_the_threads_of_a_stage_each_and_one_for_a_launcher(monkeypatch, capsys):
    params = parse_params(yaml.safe_load((ROOT / "profiles/smoke.yaml").read_text()))
    monkeypatch.setattr(jobs.os, "sched_getaffinity", lambda _: range(8))
    threads = params.compute.threads
    assert number_of_jobs(params, "auto", 0) == 8 // threads and number_of_jobs(params, "auto", 4) == 4
    half = params.model_copy(update={"launch": params.launch.model_copy(update={"train": "srun python"})})
    assert number_of_jobs(half, "auto", 4) == 1 and jobs.launchers(half) != jobs.launchers(params)
    assert number_of_jobs(params, "3", 0) == 3 and not capsys.readouterr().out
    assert number_of_jobs(params, "30", 0) == 30 and "more than the 8 cores" in capsys.readouterr().out
    assert number_of_jobs(half, "30", 0) == 30 and "more than the 8 cores" in capsys.readouterr().out
    launch = half.launch.model_copy(update={"evaluate": "srun python"})
    elsewhere = half.model_copy(update={"launch": launch})
    assert number_of_jobs(elsewhere, "30", 0) == 30 and not capsys.readouterr().out
    for wrong in ("0", "-1", "many", "1.5", ""):
        with pytest.raises(StudyError, match=r"^JOBS: expected a number or auto"):
            number_of_jobs(params, wrong, 0)


def test_the_gpus_are_those_that_may_be_seen(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-1a")
    assert jobs.devices() == ["2", "GPU-1a"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert jobs.devices() == []
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    tool = Path("nvidia-smi")
    tool.write_text("#!/bin/sh\necho 'GPU 0: H (UUID: GPU-a)'\necho 'GPU 1: H (UUID: GPU-b)'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(Path.cwd()), prepend=os.pathsep)
    assert jobs.devices() == ["0", "1"]


def test_a_stage_waits_for_what_runs_behind_one_that_is_not_due(monkeypatch):
    """A stage like settings takes its files away while it runs, from all that come after it."""
    names = ("settings", "labels", "watch")
    stages = [Mock(addressing=name, always_changed=name != "labels") for name in names]
    needs = DiGraph([(stages[1], stages[0]), (stages[2], stages[1])])
    repo = Mock(index=Mock(stages=stages, graph=needs))
    monkeypatch.setattr(jobs, "due_stages", lambda repo, noticed: ["watch"])
    assert jobs.due_needs(repo, []) == {"settings": set(), "watch": {"settings"}}
