"""Runs that are killed, and runs that are asked to end, go on and end in the same bits."""

import os
import signal
import time
from multiprocessing import get_context

import pytest
import torch

from cxrlt_core.checkpoint import Checkpoint
from cxrlt_core.resume import check_state
from cxrlt_core.train_params import Mixup

FORK = get_context("fork")
PLANS = {
    "plain": {},
    "mixup": {"mixup": Mixup(alpha=0.5), "epochs": None, "steps": 13},
    "ema and accumulation": {"ema": 0.9, "accumulate": 2, "clip": 1.0, "mixup": Mixup(alpha=0.5)},
}


def weights(trainer) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in trainer.model.state_dict().items()}


def equal(one, two) -> bool:
    return all(torch.equal(weights(one)[name], tensor) for name, tensor in weights(two).items())


def train_slowly(make, changes, folder):
    """Save after every step, and take long enough over it to be killed anywhere."""
    one = make(checkpoint_minutes=1e-9, **changes)
    step = one.train_step
    one.train_step = lambda *batch: (time.sleep(0.01), step(*batch))
    one.run(Checkpoint(folder))
    (folder / "done").touch()


def kill_after(steps: int, make, changes, folder) -> int:
    """Start training and kill it once its state shows so many steps more; return the step reached."""
    checkpoint = Checkpoint(folder)
    reached = lambda: torch_step(checkpoint)  # noqa: E731
    goal = reached() + steps
    process = FORK.Process(target=train_slowly, args=(make, changes, folder))
    process.start()
    limit = time.monotonic() + 20
    while reached() < goal and process.is_alive() and time.monotonic() < limit:
        time.sleep(0.003)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return reached()


def torch_step(checkpoint: Checkpoint) -> int:
    """Step in the file, read without clearing away what the running process is writing."""
    return checkpoint._read(None)["step"] if checkpoint.path.exists() else 0


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_killed_again_and_again_it_ends_in_the_same_bits(plan, trainer, tmp_path):
    whole, folder = trainer(**plan), tmp_path / "killed"
    history = whole.run(Checkpoint(tmp_path / "whole"))
    folder.mkdir()
    steps = [kill_after(n, trainer, plan, folder) for n in (1, 3, 2)]
    assert 0 < steps[0] < steps[1] < steps[2] < whole.steps and not (folder / "done").exists()
    assert any(step % whole.steps_per_epoch for step in steps)  # within an epoch
    last = trainer(**plan)
    assert last.run(Checkpoint(folder)) == history
    assert last.seconds > 0 and equal(whole, last)


@pytest.mark.parametrize("stop", [3, 5, 8])
def test_sigterm_saves_and_leaves(stop, trainer, tmp_path, capsys):
    whole = trainer(ema=0.9)
    history = whole.run(Checkpoint(tmp_path / "whole"))
    one = trainer(ema=0.9)
    step = one.train_step
    asked = lambda: one.step == stop - 1 and os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731
    one.train_step = lambda *batch: (step(*batch), asked())
    with pytest.raises(SystemExit) as left:
        one.run(Checkpoint(tmp_path))
    assert left.value.code == 143 and Checkpoint(tmp_path).load()["step"] == stop
    assert capsys.readouterr().out.startswith(f"stopped by SIGTERM after step {stop} of 15; ")
    again, seen = trainer(ema=0.9), []
    step_again = again.train_step
    again.train_step = lambda *batch: (seen.append(again.step), step_again(*batch))
    assert again.run(Checkpoint(tmp_path)) == history
    assert seen == list(range(stop, 15)) and again.seconds > one.seconds
    assert equal(whole, again)


def test_saved_every_so_many_minutes(trainer, tmp_path):
    def saves(minutes: float) -> int:
        checkpoint, count = Checkpoint(tmp_path, minutes=minutes), []
        save = checkpoint.save
        checkpoint.save = lambda state: (count.append(1), save(state))
        trainer(checkpoint_minutes=minutes).run(checkpoint)
        return len(count)

    assert saves(10) == 3 and saves(1e-9) == 15


def change(state, path, value):
    *folders, last = path
    for folder in folders:
        state = state[folder]
    state[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["model"], {}),
        (["model", "head.bias"], torch.zeros(4)),
        (["model", "head.bias"], torch.zeros(3, dtype=torch.float64)),
        (["ema"], None),
        (["ema"], []),
        (["optimiser", "state", 0, "exp_avg"], torch.zeros(2)),
        (["optimiser", "param_groups"], []),
        (["losses"], torch.zeros(7)),
        (["step"], 16),
        (["extra"], 1),
    ],
    ids=str,
)
def test_a_state_that_does_not_fit_is_refused(path, value, trainer, tmp_path):
    one = trainer(ema=0.9, epochs=None, steps=1)
    one.run(Checkpoint(tmp_path))
    state, fresh = Checkpoint(tmp_path).load(), trainer(ema=0.9)
    check = lambda: check_state(state, fresh._state(fresh.losses), fresh.optimiser, 15)  # noqa: E731
    check()
    change(state, path, value)
    with pytest.raises(ValueError):
        check()


def test_a_state_that_does_not_fit_is_set_aside(trainer, tmp_path, capsys):
    one = trainer()
    one.run(Checkpoint(tmp_path))
    checkpoint = Checkpoint(tmp_path)
    state = checkpoint.load()
    state["model"]["head.bias"] = torch.zeros(4)
    checkpoint.save(state)
    again = trainer()
    again.run(checkpoint)
    assert capsys.readouterr().out.count("unusable checkpoint set aside: model.head.bias: another shape") == 1
    assert equal(one, again)
