"""`dvc repro` killed in the middle of a training, and run again."""

import hashlib
import os
import signal
import subprocess
import time

from workspace import ENVIRONMENT

VARIANT = "resnet50_bert_shared"
COMMAND = ("dvc", "repro", "--force", "--single-item", f"train@{VARIANT}")


def forget_checkpoints(smoke):
    for path in (smoke.folder / "checkpoints").iterdir():
        path.unlink()


def digests(smoke) -> list[bytes]:
    names = ("model.safetensors", "config.json", "history.csv")
    files = [smoke.folder / "models" / VARIANT / name for name in names]
    return [hashlib.sha256(file.read_bytes()).digest() for file in files]


def kill_when_it_has_saved(smoke) -> None:
    """Start the training through DVC; kill DVC and all that it started once a state is on disk."""
    saved = smoke.folder / "checkpoints"
    process = subprocess.Popen(
        COMMAND, cwd=smoke.folder, env=ENVIRONMENT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    limit = time.monotonic() + 120
    while not list(saved.glob("*.pt")) and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_dvc_killed_while_it_trains_ends_in_the_same_bytes(smoke):
    smoke.edit("epochs: 1", "epochs: 60")
    smoke.edit("checkpoint_minutes: 10", "checkpoint_minutes: 0.0005")
    forget_checkpoints(smoke)
    smoke.repro(*COMMAND[1:])
    whole = digests(smoke)
    forget_checkpoints(smoke)
    kill_when_it_has_saved(smoke)
    assert not (smoke.folder / f"models/{VARIANT}/model.safetensors").exists()  # it was killed in time
    assert len(list((smoke.folder / "checkpoints").glob("*.pt"))) == 1
    smoke.repro(*COMMAND[1:])
    assert digests(smoke) == whole
    smoke.git("checkout", "--", ".")
    smoke.repro()
    assert smoke.repro() == []
