"""`dvc repro` killed in the middle of a training, and run again."""

import hashlib
import io
import os
import signal
import subprocess
import time

import torch
from workspace import ENVIRONMENT

from cxrlt_core.training.checkpoint import DIGEST_BYTES

VARIANT = "resnet50_bert_shared"
COMMAND = ("dvc", "repro", "--force", "--single-item", f"train@{VARIANT}")


def forget_checkpoints(fresh):
    for path in (fresh.folder / "checkpoints").iterdir():
        path.unlink()


def digests(fresh) -> list[bytes]:
    names = ("0/model.safetensors", "0/config.json", "history.csv")
    files = [fresh.folder / "models" / VARIANT / name for name in names]
    return [hashlib.sha256(file.read_bytes()).digest() for file in files]


def saved_step(fresh) -> int:
    """Step of the only state on disk; 0 without one."""
    states = list((fresh.folder / "checkpoints").glob("*.pt"))
    return torch.load(io.BytesIO(states[0].read_bytes()[DIGEST_BYTES:]))["step"] if states else 0


def train(fresh, kill_at: float = float("inf")) -> list[int]:
    """Train through DVC, all of it killed once a state is so far; return the steps seen on disk."""
    process = subprocess.Popen(
        COMMAND, cwd=fresh.folder, env=ENVIRONMENT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seen, limit = [saved_step(fresh)], time.monotonic() + 180
    while process.poll() is None and seen[-1] < kill_at and time.monotonic() < limit:
        time.sleep(0.01)
        seen.append(saved_step(fresh))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return [*seen, saved_step(fresh)]


def test_dvc_killed_while_it_trains_goes_on_and_ends_in_the_same_bytes(fresh):
    fresh.edit("epochs: 1", "epochs: 60")
    fresh.edit("checkpoint_minutes: 10", "checkpoint_minutes: 0.0005")
    fresh.repro("repro", f"train@{VARIANT}")
    whole, steps = digests(fresh), saved_step(fresh)
    forget_checkpoints(fresh)
    killed = train(fresh, kill_at=steps // 2)[-1]
    assert (
        steps // 2 <= killed < steps and not (fresh.folder / f"models/{VARIANT}/0/model.safetensors").exists()
    )
    seen = train(fresh)
    assert seen == sorted(seen) and seen[0] == killed and seen[-1] == steps  # it did not start anew
    assert digests(fresh) == whole
