"""Runs that are killed, and runs that are asked to end, go on and end in the same bits."""

import os
import signal
import time
from functools import cache, reduce
from operator import getitem
from pathlib import Path

import numpy as np
import pytest
import torch
from processes import FORK, begin, together
from runs import Weights, same, weights
from settings import MIXUP

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.batches.sharding import ShardedImages
from cxrlt_core.system import files
from cxrlt_core.system.errors import LOST, Stopped, StudyError
from cxrlt_core.training import loop
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.state import check_content

PLANS = {
    "plain": {},
    "mixup": {"designs": MIXUP, "epochs": None, "steps": 13},
    "ema and accumulation": {"ema": 0.9, "accumulate": 2, "clip": 1.0, "designs": MIXUP},
}


def equal(one, two) -> bool:
    return same(weights(one), weights(two))


@pytest.fixture(scope="module")
def averaged(training, tmp_path_factory) -> tuple[list[dict], Weights]:
    """History and weights of a run with averaged weights that nothing ends early."""
    one = training(ema=0.9)
    return one.run(Checkpoint(tmp_path_factory.mktemp("whole"))), weights(one)


def train_slowly(make, changes, folder):
    """Save after every step, and take long enough over it to be killed anywhere."""
    one = make(checkpoint_minutes=1e-9, **changes)
    step = one.step
    one.step = lambda *batch: (time.sleep(0.01), step(*batch))[1]
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
    return step_at(checkpoint.path, checkpoint.path.stat().st_mtime_ns) if checkpoint.path.exists() else 0


@cache
def step_at(path: Path, time: int) -> int:
    """Step in the file of a time: who waits for a step reads each file once."""
    return Checkpoint(path.parent)._read(None)["step"]


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_killed_again_and_again_it_ends_in_the_same_bits(plan, training, tmp_path):
    whole, folder = training(**plan), tmp_path / "killed"
    history = whole.run(Checkpoint(tmp_path / "whole"))
    folder.mkdir()
    steps = [kill_after(n, training, plan, folder) for n in (1, 3, 2)]
    assert 0 < steps[0] < steps[1] < steps[2] < whole.schedule.steps and not (folder / "done").exists()
    assert any(step % whole.schedule.steps_per_epoch for step in steps)  # within an epoch
    last = training(**plan)
    assert last.run(Checkpoint(folder)) == history
    assert last.state.seconds > 0 and equal(whole, last)


def cut_off(moment: str) -> None:
    """Die by SIGKILL at the fourth saving of the state, at some moment of it."""
    replace, saved = os.replace, []

    def dying(temporary, target):
        saved.append(target)
        if len(saved) < 4:
            return replace(temporary, target)
        if moment == "half written":
            content = temporary.read_bytes()
            temporary.write_bytes(content[: len(content) // 2])
        elif moment == "renamed":
            replace(temporary, target)
        os.kill(os.getpid(), signal.SIGKILL)

    files.os.replace = dying


@pytest.mark.parametrize(
    ("moment", "step"), [("half written", 3), ("not renamed", 3), ("renamed", 4), ("at the end", 15)]
)
def test_killed_while_saving_it_ends_in_the_same_bits(moment, step, averaged, training, tmp_path):
    (history, expected), folder = averaged, tmp_path / "killed"

    def dying():
        if moment != "at the end":
            cut_off(moment)
        training(ema=0.9, checkpoint_minutes=1e-9).run(Checkpoint(folder))
        os.kill(os.getpid(), signal.SIGKILL)

    process = FORK.Process(target=dying)
    process.start()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL and torch_step(Checkpoint(folder)) == step
    assert len(list(folder.glob(".*.tmp"))) == (moment in ("half written", "not renamed"))
    last = training(ema=0.9)
    assert last.run(Checkpoint(folder)) == history and same(expected, weights(last))
    assert [file.name for file in folder.iterdir()] == [Checkpoint(folder).path.name]


def train_ranks(make, plain, toy, folder, ranks, slow: bool = False):
    """Train with sharded images and save after every step; return the weights and the history."""
    images = ShardedImages(PackedImages({"s": toy[0]}, ["s"] * 37, range(37)), ranks)
    one = make(model=plain(), ranks=ranks, images=images, ema=0.9, checkpoint_minutes=1e-9)
    step = one.step
    one.step = lambda *batch: (time.sleep(0.02 * slow), step(*batch))[1]
    history = one.run(Checkpoint(folder))
    return [p.detach().numpy().copy() for p in one.state.model.parameters()], history


def same_runs(one: list, two: list) -> bool:
    """Whether all ranks of two runs have the same weights and history."""
    return all(
        history == other and all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))
        for (weights, history), (others, other) in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("victim", [0, 1])
def test_when_a_rank_is_killed_the_other_ends_and_both_go_on(
    victim, training, plain, toy, tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "ASK_RANKS_EVERY", 1)
    train = lambda *args: train_ranks(training, plain, toy, *args)  # noqa: E731
    expected = together(2, lambda ranks: train(tmp_path / "whole", ranks))
    folder = tmp_path / "killed"
    processes, results = begin(2, lambda ranks: train(folder, ranks, True))
    limit = time.monotonic() + 20
    while torch_step(Checkpoint(folder)) < 4 and time.monotonic() < limit:
        time.sleep(0.003)
    os.kill(processes[victim].pid, signal.SIGKILL)
    rank, error = results.get(timeout=20)
    assert rank != victim and isinstance(error, Stopped) and error.code == LOST
    for process in processes:
        process.join(20)
        assert process.exitcode is not None
    assert 4 <= torch_step(Checkpoint(folder)) < 15
    assert same_runs(expected, together(2, lambda ranks: train(folder, ranks)))


def test_sigterm_to_one_rank_takes_both_along(training, plain, toy, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "ASK_RANKS_EVERY", 1)
    train = lambda *args: train_ranks(training, plain, toy, *args)  # noqa: E731
    expected = together(2, lambda ranks: train(tmp_path / "whole", ranks))

    def asked(ranks):
        def make(**changes):
            one = training(**changes)
            step = one.step
            ask = lambda number: ranks.rank and number == 7 and os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731
            one.step = lambda number, *batch: (step(number, *batch), ask(number))[0]
            return one

        try:
            train_ranks(make, plain, toy, tmp_path / "asked", ranks)
        except SystemExit as left:
            return left.code

    assert together(2, asked) == [143, 143]
    assert torch_step(Checkpoint(tmp_path / "asked")) == 8
    assert same_runs(expected, together(2, lambda ranks: train(tmp_path / "asked", ranks)))


def test_a_damaged_state_is_set_aside_by_one_rank_for_all(training, plain, toy, tmp_path, capfd):
    train = lambda *args: train_ranks(training, plain, toy, *args)  # noqa: E731
    expected = together(2, lambda ranks: train(tmp_path / "whole", ranks))
    path = Checkpoint(tmp_path / "damaged").path
    path.parent.mkdir()
    path.write_bytes((tmp_path / "whole" / path.name).read_bytes()[:-9])
    capfd.readouterr()
    assert same_runs(expected, together(2, lambda ranks: train(tmp_path / "damaged", ranks)))
    assert capfd.readouterr().out == f"{path}: unusable checkpoint set aside: damaged, or of another run\n"
    assert path.with_suffix(".bad").exists()


def test_a_loss_that_is_not_a_number_on_one_rank_stops_all(training, plain, toy, tmp_path):
    def poisoned(ranks):
        def make(**changes):
            one = training(**changes)
            step, nan = one.step, float("nan")
            bad = lambda number: nan if ranks.rank and number == 7 else 1  # noqa: E731
            one.step = lambda number, *batch: step(number, *batch) * bad(number)
            return one

        try:
            train_ranks(make, plain, toy, tmp_path, ranks)
        except StudyError as error:
            return str(error)

    lines = together(2, poisoned)
    assert lines[0] == lines[1]
    assert "the loss is nan in epoch 2, step 8 of 15, at learning rate" in lines[0]
    state = Checkpoint(tmp_path).load()
    assert 5 <= state["step"] <= 7 and all(t.isfinite().all() for t in state["model"].values())


@pytest.mark.parametrize(
    ("stop", "number"),
    [*((stop, signal.SIGTERM) for stop in (3, 5, 8)), (8, signal.SIGINT), (15, signal.SIGINT)],
)
def test_a_signal_saves_and_leaves(stop, number, averaged, training, tmp_path):
    (history, expected), one = averaged, training(ema=0.9)
    step = one.step
    asked = lambda place: place == stop - 1 and os.kill(os.getpid(), number)  # noqa: E731
    one.step = lambda place, *batch: (step(place, *batch), asked(place))[0]
    with pytest.raises(Stopped) as left:
        one.run(Checkpoint(tmp_path))
    assert left.value.code == 128 + number and Checkpoint(tmp_path).load()["step"] == stop
    assert left.value.saved == f"training is saved at step {stop} of 15"
    again, seen = training(ema=0.9), []
    step_again = again.step
    again.step = lambda number, *batch: (seen.append(number), step_again(number, *batch))[1]
    assert again.run(Checkpoint(tmp_path)) == history
    assert seen == list(range(stop, 15)) and (again.state.seconds > one.state.seconds) == (stop < 15)
    assert same(expected, weights(again))


def test_saved_every_so_many_minutes(training, tmp_path):
    def saves(minutes: float) -> int:
        checkpoint, count = Checkpoint(tmp_path, minutes=minutes), []
        save = checkpoint.save
        checkpoint.save = lambda state: (count.append(1), save(state))
        training(checkpoint_minutes=minutes).run(checkpoint)
        return len(count)

    assert saves(10) == 3 and saves(1e-9) == 15


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["model"], {}),
        (["model", "head.bias"], torch.zeros(4)),
        (["model", "head.bias"], torch.zeros(3, dtype=torch.float64)),
        (["average"], None),
        (["average"], []),
        (["optimiser", "state", 0, "exp_avg"], torch.zeros(2)),
        (["optimiser", "param_groups"], []),
        (["optimiser"], None),
        (["losses"], torch.zeros(7)),
        (["step"], 16),
        (["extra"], 1),
    ],
    ids=str,
)
def test_a_state_that_does_not_fit_is_refused(path, value, training, tmp_path):
    one = training(ema=0.9, checkpoint_minutes=1e-9)
    step = one.step
    one.step = lambda number, *batch: step(number, *batch) if number < 1 else 1 / 0
    with pytest.raises(ZeroDivisionError):
        one.run(Checkpoint(tmp_path))
    content, fresh = Checkpoint(tmp_path).load(), training(ema=0.9).state
    check_content(content, fresh)
    *keys, last = path
    reduce(getitem, keys, content)[last] = value
    with pytest.raises(ValueError):
        check_content(content, fresh)


def test_a_finished_run_is_not_trained_again_unless_its_state_does_not_fit(training, tmp_path, capsys):
    one, checkpoint = training(ema=0.9), Checkpoint(tmp_path)
    history = one.run(checkpoint)
    assert checkpoint.load()["optimiser"] is None  # two thirds of the file, of no more use
    again = training(ema=0.9)
    again.step = None
    assert again.run(checkpoint) == history and equal(one, again)
    assert one.state.seconds == again.state.seconds and one.state.peak_memory == again.state.peak_memory > 0
    state = checkpoint.load()
    state["model"]["head.bias"] = torch.zeros(4)
    checkpoint.save(state)
    again = training(ema=0.9)
    again.run(checkpoint)
    assert capsys.readouterr().out.count("unusable checkpoint set aside: model.head.bias: another shape") == 1
    assert equal(one, again)
