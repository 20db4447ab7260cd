"""`dvc repro` killed in the middle of a training, and run again."""

import hashlib
import io
import os
import signal
import subprocess
import time

import pytest
import torch
from workspace import ENVIRONMENT

from cxrlt_core.training.checkpoint import DIGEST_BYTES

VARIANT = "resnet50_bert_shared"
COMMAND = ("dvc", "repro", "--force", "--single-item", f"train@{VARIANT}")


def digests(study) -> list[bytes]:
    names = ("0/model.safetensors", "0/config.json", "history.csv")
    files = [study.folder / "models" / VARIANT / name for name in names]
    return [hashlib.sha256(file.read_bytes()).digest() for file in files]


def saved_step(state) -> int:
    """Step of a state on disk; 0 without it."""
    return torch.load(io.BytesIO(state.read_bytes()[DIGEST_BYTES:]))["step"] if state.exists() else 0


def train(study, state, kill_at: float = float("inf")) -> list[int]:
    """Train through DVC, all of it killed once the state is so far; return the steps seen on disk."""
    process = subprocess.Popen(
        COMMAND, cwd=study.folder, env=ENVIRONMENT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seen, limit = [saved_step(state)], time.monotonic() + 180
    while process.poll() is None and seen[-1] < kill_at and time.monotonic() < limit:
        time.sleep(0.01)
        seen.append(saved_step(state))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return [*seen, saved_step(state)]


@pytest.fixture
def longer(smoke):
    """The smoke study with a training long enough to be killed, which saves all the time."""
    smoke.edit("epochs: 1 ", "epochs: 40 ")
    smoke.edit("checkpoint_minutes: 10", "checkpoint_minutes: 0.0005")
    yield smoke
    smoke.restore()


def test_dvc_killed_while_it_trains_goes_on_and_ends_in_the_same_bytes(longer):
    before = set((longer.folder / "checkpoints").glob("*.pt"))
    assert longer.repro("repro", f"train@{VARIANT}") == [f"train@{VARIANT}"]
    (state,) = set((longer.folder / "checkpoints").glob("*.pt")) - before
    whole, steps = digests(longer), saved_step(state)
    state.unlink()
    killed = train(longer, state, kill_at=steps // 2)[-1]
    assert steps // 2 <= killed < steps
    assert not (longer.folder / f"models/{VARIANT}/0/model.safetensors").exists()
    seen = train(longer, state)
    assert seen == sorted(seen) and seen[0] == killed and seen[-1] == steps  # it did not start anew
    assert digests(longer) == whole
