"""A study on two Slurm nodes of this machine, with jobs that are cancelled and a scheduler that is killed."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from cxrlt_core.system.files import read_json
from tests.cluster.slurm import cluster, free_port, missing, wait_until_idle
from tests.pipeline.workspace import ENVIRONMENT, Workspace, copy_repository, digest

CANCELLED, OTHER = "resnet50_bert_shared", "resnet50_bert_separate"
EPOCHS = 60
MODEL = f"models/{CANCELLED}/0/model.safetensors"
SRUN = "srun --job-name=$DVC_STAGE --cpus-per-task=1 python"
TWO_NODES = (
    "srun --nodes=2 --ntasks-per-node=1 torchrun --nnodes=2 --nproc-per-node=1 --rdzv-backend=c10d"
    " --rdzv-endpoint=$HEAD_NODE"
)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Iterator[Workspace]:
    """Two variants, trained long enough to be cancelled, on a cluster."""
    if absent := missing():
        pytest.skip(f"no {', '.join(absent)} here; Debian and Ubuntu: apt-get install slurm-wlm munge")
    with cluster(tmp_path_factory.mktemp("slurm")) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, "PATH": f"{ENVIRONMENT['PATH']}:{variables['PATH']}"}.items():
            patch.setitem(ENVIRONMENT, name, value)
        workspace = copy_repository(tmp_path_factory.mktemp("study"), "smoke.yaml")
        workspace.keep(CANCELLED, OTHER)
        with workspace.params() as params:
            params["demo"] |= {"sources": ["mimic"], "text_encoders": ["pubmedbert"]}
            params["data"] |= {"extra": [], "sources": {"mimic": params["data"]["sources"]["mimic"]}}
            for section, name in (("text_encoders", "pubmedbert"), ("image_encoders", "resnet50")):
                params[section] = {name: params[section][name]}
            params["train"]["epochs"] = EPOCHS
            params["launch"] = {"train": SRUN, "evaluate": SRUN}
        yield workspace


class Run:
    """``make study JOBS=2`` in the background."""

    def __init__(self, study: Workspace, name: str):
        self.study, self.log = study, study.folder.parent / f"{name}.txt"
        for command in (("python", "-m", "tools.recover"), ("dvc", "repro", "--quiet", "code", "settings")):
            done = study.run(*command)
            assert done.returncode == 0, done.stdout + done.stderr
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["python", "-m", "tools.jobs", "2"], cwd=study.folder, env=ENVIRONMENT, stdout=log, stderr=log
            )

    def wait(self) -> int:
        """Return its exit code."""
        return self.process.wait(600)

    def said(self) -> str:
        return self.log.read_text()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so; it has to become so while this runs."""
        limit = time.monotonic() + 300
        while not condition():
            assert self.process.poll() is None and time.monotonic() < limit, self.said()
            time.sleep(0.05)

    def first_epochs(self, variant: str) -> int:
        """Return how many epochs a training has behind it once it has begun, or goes on."""
        self.until(lambda: f"Running stage 'train@{variant}'" in self.said())
        self.until(lambda: epochs(self.study, variant) > 0)
        return epochs(self.study, variant)


def epochs(study: Workspace, variant: str) -> int:
    """How many epochs a training has behind it."""
    path = study.folder / f"models/{variant}/history.csv"
    return len(path.read_text().splitlines()) - 1 if path.exists() else 0


def exit_codes(study: Workspace, stage: str) -> list[str]:
    """How the jobs of a stage ended, as Slurm says it: exit code and signal."""
    said = study.run("scontrol", "show", "jobs", "--oneliner").stdout.splitlines()
    return [re.search(r" ExitCode=(\S+)", job).group(1) for job in said if f"JobName={stage} " in job]


def test_a_cancelled_job_and_a_killed_scheduler_leave_a_study_that_goes_on(study):
    """Each training saves as it ends; the next run goes on there and ends with the weights of one without."""
    stage = f"train@{CANCELLED}"
    first = Run(study, "cancelled")
    first.until(lambda: epochs(study, CANCELLED) >= 5)
    assert study.run("scancel", f"--name={stage}").returncode == 0
    assert first.wait() == 1
    saved = re.search(rf"\[{stage}\] stopped by SIGTERM: training is saved at step (\d+) of", first.said())
    assert saved, first.said()
    assert f"error: failed: {stage}; not begun: " in first.said()
    assert epochs(study, OTHER) == EPOCHS and (study.folder / f"metrics/dev/{OTHER}.json").exists()

    second = Run(study, "killed")
    reached = second.first_epochs(CANCELLED)
    assert reached >= 5  # it did not start anew
    second.until(lambda: epochs(study, CANCELLED) >= reached + 5)
    second.process.kill()
    second.wait()
    wait_until_idle(ENVIRONMENT)
    assert exit_codes(study, stage) == ["143:0", "143:0"]  # neither was killed by Slurm

    last = Run(study, "last")
    assert last.first_epochs(CANCELLED) >= reached + 5
    assert last.wait() == 0, last.said()
    assert (study.folder / "reports/table2.json").exists()
    ended = digest(study, MODEL)
    for state in (study.folder / "checkpoints").iterdir():
        state.unlink()
    done = study.run("env", "CXRLT_LAUNCHED=1", "python", "-m", "stages.train", CANCELLED)
    assert done.returncode == 0 and digest(study, MODEL) == ended, done.stderr


def test_two_nodes_train_as_one(study):
    with study.params() as params:
        params["launch"]["train"] = TWO_NODES
    study.repro("repro", "settings")
    head = f"HEAD_NODE=127.0.0.1:{free_port()}"
    done = study.run("env", head, "dvc", "repro", "--force", "--single-item", f"train@{OTHER}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert read_json(study.folder / f"models/{OTHER}/0/cost.json")["processes"] == 2
