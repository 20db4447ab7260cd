"""Runs that are killed, and runs that are asked to end, go on and end in the same bits."""

import os
import signal
import time
from contextlib import nullcontext
from functools import cache, reduce
from operator import getitem
from pathlib import Path

import numpy as np
import pytest
import torch
from processes import FORK, begin, together
from runs import Weights, same, watch_steps, weights
from settings import MIXUP

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.batches.sharding import ShardedImages
from cxrlt_core.system import atomic
from cxrlt_core.system.errors import LOST, Stopped, StudyError
from cxrlt_core.training import loop
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.cost import cost
from cxrlt_core.training.state import check_content

PLANS = {
    "plain": {},
    "mixup": {"designs": MIXUP, "epochs": None, "steps": 13},
    "ema and accumulation": {"ema": 0.9, "accumulate": 2, "clip": 1.0, "designs": MIXUP},
}


@pytest.fixture(scope="module")
def averaged(training, tmp_path_factory) -> tuple[list[dict], Weights]:
    """History and weights of a run with averaged weights that nothing ends early."""
    one = training(ema=0.9)
    return one.run(Checkpoint(tmp_path_factory.mktemp("whole"))), weights(one)


def train_slowly(make, changes, folder):
    """Save after every step, and take long enough over it to be killed anywhere."""
    slow = watch_steps(make(checkpoint_minutes=1e-9, **changes), before=lambda _: time.sleep(0.01))
    slow.run(Checkpoint(folder))
    (folder / "done").touch()


def kill_after(steps: int, make, changes, folder) -> int:
    """Start training and kill it once its state shows so many steps more; return the step reached."""
    checkpoint = Checkpoint(folder)
    goal = torch_step(checkpoint) + steps
    process = FORK.Process(target=train_slowly, args=(make, changes, folder))
    process.start()
    limit = time.monotonic() + 20
    while torch_step(checkpoint) < goal and process.is_alive() and time.monotonic() < limit:
        time.sleep(0.003)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return torch_step(checkpoint)


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
    assert last.state.seconds > 0 and same(weights(whole), weights(last))


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

    atomic.os.replace = dying


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


@pytest.fixture(scope="module")
def train_ranks(training, plain, toy):
    """Train with sharded images and save after every step; what is returned: the weights and the history."""

    def train(folder, ranks, change=lambda run: run):
        images = ShardedImages(PackedImages({"s": toy[0]}, ["s"] * 37, range(37)), ranks)
        run = change(training(model=plain(), ranks=ranks, images=images, ema=0.9, checkpoint_minutes=1e-9))
        history = run.run(Checkpoint(folder))
        return [p.detach().numpy().copy() for p in run.state.model.parameters()], history

    return train


@pytest.fixture(scope="module")
def pair(train_ranks, tmp_path_factory) -> tuple[Path, list]:
    """The folder of two ranks that nothing has ended early, and what they return."""
    folder = tmp_path_factory.mktemp("pair")
    return folder, together(2, lambda ranks: train_ranks(folder, ranks))


def same_runs(one: list, two: list) -> bool:
    """Whether all ranks of two runs have the same weights and history."""
    return all(
        history == other and all(np.array_equal(a, b) for a, b in zip(weights, others, strict=True))
        for (weights, history), (others, other) in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("victim", [0, 1])
def test_when_a_rank_is_killed_the_other_ends_and_both_go_on(
    victim, train_ranks, pair, tmp_path, monkeypatch
):
    monkeypatch.setattr(loop, "ASK_RANKS_EVERY", 1)
    slowly = lambda run: watch_steps(run, before=lambda _: time.sleep(0.02))  # noqa: E731
    processes, results = begin(2, lambda ranks: train_ranks(tmp_path, ranks, slowly))
    limit = time.monotonic() + 20
    while torch_step(Checkpoint(tmp_path)) < 4 and time.monotonic() < limit:
        time.sleep(0.003)
    os.kill(processes[victim].pid, signal.SIGKILL)
    rank, error = results.get(timeout=20)
    assert rank != victim and isinstance(error, Stopped) and error.code == LOST
    for process in processes:
        process.join(20)
        assert process.exitcode is not None
    assert 4 <= torch_step(Checkpoint(tmp_path)) < 15
    assert same_runs(pair[1], together(2, lambda ranks: train_ranks(tmp_path, ranks)))


def test_sigterm_to_one_rank_takes_both_along(train_ranks, pair, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "ASK_RANKS_EVERY", 1)

    def asked(ranks):
        ask = lambda number: ranks.rank and number == 7 and os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731
        with pytest.raises(SystemExit) as left:
            train_ranks(tmp_path, ranks, lambda run: watch_steps(run, after=ask))
        return left.value.code

    assert together(2, asked) == [143, 143]
    assert torch_step(Checkpoint(tmp_path)) == 8
    assert same_runs(pair[1], together(2, lambda ranks: train_ranks(tmp_path, ranks)))


def test_a_damaged_state_is_set_aside_by_one_rank_for_all(train_ranks, pair, tmp_path, capfd):
    whole, expected = pair
    path = Checkpoint(tmp_path).path
    path.write_bytes((whole / path.name).read_bytes()[:-9])
    capfd.readouterr()
    assert same_runs(expected, together(2, lambda ranks: train_ranks(tmp_path, ranks)))
    assert capfd.readouterr().out == f"{path}: unusable checkpoint set aside: damaged, or of another run\n"
    assert path.with_suffix(".bad").exists()


def test_a_loss_that_is_not_a_number_on_one_rank_stops_all(train_ranks, tmp_path):
    def poisoned(ranks):
        def poison(run):
            step = run.step
            bad = lambda number: float("nan") if ranks.rank and number == 7 else 1  # noqa: E731
            run.step = lambda number, *batch: step(number, *batch) * bad(number)
            return run

        with pytest.raises(StudyError) as caught:
            train_ranks(tmp_path, ranks, poison)
        return str(caught.value)

    first, second = together(2, poisoned)
    assert first == second and "the loss is nan in epoch 2, step 8 of 15, at learning rate" in first
    state = Checkpoint(tmp_path).load()
    assert 5 <= state["step"] <= 7 and all(t.isfinite().all() for t in state["model"].values())


@pytest.mark.parametrize(
    ("stop", "number"),
    [*((stop, signal.SIGTERM) for stop in (3, 5, 8)), (8, signal.SIGINT), (15, signal.SIGINT)],
)
def test_a_signal_saves_and_leaves(stop, number, averaged, training, tmp_path):
    history, expected = averaged
    ask = lambda place: place == stop - 1 and os.kill(os.getpid(), number)  # noqa: E731
    asked = watch_steps(training(ema=0.9), after=ask)
    with pytest.raises(Stopped) as left:
        asked.run(Checkpoint(tmp_path))
    assert left.value.code == 128 + number and Checkpoint(tmp_path).load()["step"] == stop
    assert left.value.saved == f"training is saved at step {stop} of 15"
    seen: list[int] = []
    again = watch_steps(training(ema=0.9), before=seen.append)
    assert again.run(Checkpoint(tmp_path)) == history
    assert seen == list(range(stop, 15)) and (again.state.seconds > asked.state.seconds) == (stop < 15)
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
    broken = watch_steps(training(ema=0.9, checkpoint_minutes=1e-9), before=lambda number: number and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.run(Checkpoint(tmp_path))
    content, fresh = Checkpoint(tmp_path).load(), training(ema=0.9).state
    check_content(content, fresh)
    *keys, last = path
    reduce(getitem, keys, content)[last] = value
    with pytest.raises(ValueError):
        check_content(content, fresh)


def test_a_training_keeps_what_computed_it_wherever_it_is_restored_and_went_on(training, tmp_path):
    """A finished one that another machine restores is still of the first; one that goes on is of both."""
    first, later, other = (
        {"device": device, "when": when} for device, when in (("a", "1"), ("a", "2"), ("b", "3"))
    )
    began = watch_steps(training(checkpoint_minutes=1e-9), before=lambda number: number == 3 and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        began.run(Checkpoint(tmp_path), environment=first)
    for here, noted in (
        (later, [first]),
        (other, [first, other]),
        ({"device": "c", "when": "4"}, [first, other]),
    ):
        again, goes_on = training(checkpoint_minutes=1e-9), here is later
        if goes_on:
            watch_steps(again, before=lambda number: number == 6 and 1 / 0)
        with pytest.raises(ZeroDivisionError) if goes_on else nullcontext():
            again.run(Checkpoint(tmp_path), environment=here)
        assert again.state.environments == noted
    assert cost(again)["environments"] == noted and cost(again)["device"] == "a and b"


def test_a_finished_run_is_not_trained_again_unless_its_state_does_not_fit(training, tmp_path, capsys):
    one, checkpoint = training(ema=0.9), Checkpoint(tmp_path)
    history = one.run(checkpoint)
    assert checkpoint.load()["optimiser"] is None  # two thirds of the file, of no more use
    again = training(ema=0.9)
    again.step = None
    assert again.run(checkpoint) == history and same(weights(one), weights(again))
    assert one.state.seconds == again.state.seconds and one.state.peak_memory == again.state.peak_memory > 0
    state = checkpoint.load()
    state["model"]["head.bias"] = torch.zeros(4)
    checkpoint.save(state)
    again = training(ema=0.9)
    again.run(checkpoint)
    assert capsys.readouterr().out.count("unusable checkpoint set aside: model.head.bias: another shape") == 1
    assert same(weights(one), weights(again))
