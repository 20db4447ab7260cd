"""`dvc repro` killed in the middle of a training, and run again."""

import hashlib
import os
import signal
import subprocess
import time

from workspace import ENVIRONMENT

VARIANT = "resnet50_bert_shared"
COMMAND = ("repro", "--force", "--single-item", f"train@{VARIANT}")


def forget_checkpoints(fresh):
    for path in (fresh.folder / "checkpoints").iterdir():
        path.unlink()


def digests(fresh) -> list[bytes]:
    names = ("model.safetensors", "config.json", "history.csv")
    files = [fresh.folder / "models" / VARIANT / name for name in names]
    return [hashlib.sha256(file.read_bytes()).digest() for file in files]


def kill_when_it_has_saved(fresh) -> None:
    """Start the training through DVC; kill DVC and all that it started once a state is on disk."""
    saved = fresh.folder / "checkpoints"
    process = subprocess.Popen(
        ("dvc", *COMMAND), cwd=fresh.folder, env=ENVIRONMENT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    limit = time.monotonic() + 120
    while not list(saved.glob("*.pt")) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_dvc_killed_while_it_trains_ends_in_the_same_bytes(fresh):
    fresh.edit("epochs: 1", "epochs: 60")
    fresh.edit("checkpoint_minutes: 10", "checkpoint_minutes: 0.0005")
    fresh.repro("repro", f"train@{VARIANT}")
    whole = digests(fresh)
    forget_checkpoints(fresh)
    kill_when_it_has_saved(fresh)
    assert not (fresh.folder / f"models/{VARIANT}/model.safetensors").exists()  # it was killed in time
    assert len(list((fresh.folder / "checkpoints").glob("*.pt"))) == 1
    fresh.repro(*COMMAND)
    assert digests(fresh) == whole
