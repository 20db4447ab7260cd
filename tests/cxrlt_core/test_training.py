from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from cxrlt_core import training
from cxrlt_core.checkpoint import Checkpoint
from cxrlt_core.errors import StudyError
from cxrlt_core.images import PackedImages
from cxrlt_core.params import Augment, Mixup, Train
from cxrlt_core.training import Trainer, learning_rate

CPU = torch.device("cpu")
SETTINGS = Train(
    epochs=3,
    batch_size=8,
    seeds=[0],
    learning_rate=0.01,
    weight_decay=0.01,
    precision="fp32",
    augment=Augment(rotate=5, shift=0.05, scale=0.05),
)
State = dict[str, torch.Tensor]


@pytest.fixture
def trainer(build, toy) -> Callable[..., Trainer]:
    """Make a trainer of a tiny model on the first n toy images; settings and the rest may be exchanged."""

    def make(n: int = 37, **changes: Any) -> Trainer:
        images, targets = toy
        given = {
            "model": build(),
            "images": PackedImages({"s": images[:n]}, ["s"] * n, range(n)),
            "targets": targets[:n],
            "class_weights": np.ones(3),
            "mixup": None,
            "seed": 0,
        } | {key: value for key, value in changes.items() if key not in Train.model_fields}
        settings = {key: value for key, value in changes.items() if key in Train.model_fields}
        settings = SETTINGS.model_copy(update=settings)
        return Trainer(pixels=(0.4, 0.3), settings=settings, device=CPU, **given)

    return make


def run(trainer: Trainer, folder, name: str = "run") -> State:
    trainer.run(Checkpoint(folder, name=name))
    return {key: value.clone() for key, value in trainer.model.state_dict().items()}


def same(one: State, two: State) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("mixup", [None, Mixup(alpha=0.5)])
def test_a_seed_gives_the_same_bits_and_another_seed_others(mixup, trainer, tmp_path):
    first = run(trainer(mixup=mixup), tmp_path, "a")
    torch.manual_seed(77)  # what happened before does not matter
    assert same(first, run(trainer(mixup=mixup), tmp_path, "b"))
    assert not same(first, run(trainer(mixup=mixup, seed=1), tmp_path, "c"))


@pytest.mark.parametrize("done", [1, 2])
def test_a_resumed_run_ends_in_the_same_bits(done, trainer, tmp_path, monkeypatch):
    whole = trainer(mixup=Mixup(alpha=0.5))
    expected = run(whole, tmp_path, "whole")
    interrupted = trainer(mixup=Mixup(alpha=0.5))
    epoch = interrupted._epoch
    monkeypatch.setattr(interrupted, "_epoch", lambda n: epoch(n) if n < done else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(interrupted, tmp_path)
    resumed = trainer(mixup=Mixup(alpha=0.5))
    epochs = []
    epoch_again = resumed._epoch
    monkeypatch.setattr(resumed, "_epoch", lambda n: epochs.append(n) or epoch_again(n))
    assert same(expected, run(resumed, tmp_path))
    assert epochs == list(range(done, 3))
    assert resumed.history == whole.history and len(resumed.history) == 3


def test_a_finished_run_is_not_trained_again(trainer, tmp_path, monkeypatch):
    expected = run(trainer(), tmp_path)
    again = trainer()
    monkeypatch.setattr(again, "_epoch", lambda n: 1 / 0)
    assert same(expected, run(again, tmp_path))


@pytest.mark.parametrize(("n", "batch_size"), [(37, 8), (40, 8), (9, 8), (7, 8), (2, 8), (5, 2), (3, 2)])
def test_every_image_once_an_epoch_in_even_batches(n, batch_size, trainer, tmp_path, monkeypatch):
    one = trainer(n, batch_size=batch_size, mixup=Mixup(alpha=0.5), epochs=2)
    batches: list[list[int]] = []
    gather = one.images.gather
    monkeypatch.setattr(one.images, "gather", lambda p: batches.append(p.tolist()) or gather(p))
    run(one, tmp_path)
    half = len(batches) // 2
    assert len(batches) == one.steps
    for epoch in (batches[:half], batches[half:]):
        assert sorted(i for batch in epoch for i in batch) == list(range(n))
        sizes = [len(batch) for batch in epoch]
        assert max(sizes) - min(sizes) <= 1 and min(sizes) > 1
        assert max(sizes) <= max(batch_size, 3)
    if n > 5:
        assert batches[:half] != batches[half:]


def test_one_image_cannot_be_trained_on(trainer):
    with pytest.raises(StudyError, match="training set holds 1 image"):
        trainer(1)


def test_the_loss_goes_down_on_a_learnable_set(trainer, tmp_path):
    one = trainer(40, epochs=25, augment=Augment())
    history = one.run(Checkpoint(tmp_path))
    losses = [entry["loss"] for entry in history]
    assert 0.5 < losses[0] < 0.9 and losses[-1] < 0.6 * losses[0]
    assert [entry["epoch"] for entry in history] == list(range(1, 26))
    assert one.seconds > 0


def test_learning_rate_warms_up_and_ends_near_zero():
    settings = SETTINGS.model_copy(update={"warmup": 0.1})
    rates = [learning_rate(step, 200, settings) for step in range(200)]
    np.testing.assert_allclose(rates[:20], 0.01 * np.arange(1, 21) / 20)
    assert max(rates) == pytest.approx(0.01) and 0 < rates[-1] < 1e-5
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[110] == pytest.approx(0.005)  # half way down the cosine


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_short_runs_have_a_rate(steps):
    rates = [learning_rate(step, steps, SETTINGS) for step in range(steps)]
    assert all(0 < rate <= 0.01 for rate in rates)


def test_the_horizon_is_the_whole_run(trainer, tmp_path):
    one = trainer()
    rates = [entry["learning_rate"] for entry in one.run(Checkpoint(tmp_path))]
    assert one.steps == 3 * 5
    assert rates == [learning_rate(step, 15, SETTINGS) for step in (4, 9, 14)]


def test_a_loss_that_is_not_a_number_stops_the_run(trainer, tmp_path):
    one = trainer(learning_rate=0.5)
    with torch.no_grad():
        one.model.head.bias.fill_(float("nan"))
    with pytest.raises(
        StudyError, match=r"loss is nan in epoch 1 of 3; try a train.learning_rate below 0.5$"
    ):
        one.run(Checkpoint(tmp_path))
    assert Checkpoint(tmp_path).load() is None


def test_class_weights_reach_the_loss(trainer, tmp_path):
    """A class that weighs nothing keeps its own row of the separate classifier as it was."""
    one = trainer(class_weights=np.array([1.0, 0.0, 2.0]), weight_decay=0.0)
    before = one.model.head.weight.detach().clone()
    after = run(one, tmp_path)["head.weight"]
    assert (after != before).any(dim=1).tolist() == [True, False, True]


def test_unknown_labels_teach_nothing(trainer, toy, tmp_path):
    targets = toy[1][:37].copy()
    targets[:, 2] = -1
    one = trainer(targets=targets, weight_decay=0.0)
    before = one.model.head.weight.detach().clone()
    after = run(one, tmp_path)["head.weight"]
    assert (after != before).any(dim=1).tolist() == [True, True, False]


def test_mixup_reaches_images_and_loss(trainer, tmp_path, monkeypatch):
    calls = []
    for name in ("mix_images", "mixup_loss"):
        function = getattr(training, name)
        spy = lambda *a, name=name, function=function: calls.append((name, a[-1])) or function(*a)  # noqa: E731
        monkeypatch.setattr(training, name, spy)
    run(trainer(epochs=1), tmp_path, "plain")
    assert calls == []
    run(trainer(epochs=1, mixup=Mixup(alpha=0.5)), tmp_path, "mixed")
    assert [name for name, _ in calls] == ["mix_images", "mixup_loss"] * 5
    assert all(calls[i][1] is calls[i + 1][1] for i in range(0, 10, 2))  # one mixing a step for both


def test_augmentation_is_on_and_new_in_every_epoch(trainer, tmp_path, monkeypatch):
    seen = []
    apply = training.apply_transforms
    monkeypatch.setattr(training, "apply_transforms", lambda x, t: seen.append(t.geometry) or apply(x, t))
    run(trainer(), tmp_path)
    geometries = {row.numpy().tobytes() for batch in seen for row in batch}
    assert len(geometries) == 3 * 37


def test_biases_and_norms_are_not_decayed(trainer):
    decayed, others = trainer().optimiser.param_groups
    assert decayed["weight_decay"] == 0.01 and others["weight_decay"] == 0
    assert {p.ndim for p in decayed["params"]} == {2, 4} and {p.ndim for p in others["params"]} == {1}
    count = sum(1 for _ in trainer().model.parameters())
    assert len(decayed["params"]) + len(others["params"]) == count


def test_bfloat16_trains_float32_weights(trainer, tmp_path):
    state = run(trainer(precision="bf16"), tmp_path)
    assert {t.dtype for t in state.values() if t.is_floating_point()} == {torch.float32}
    assert not same(state, run(trainer(), tmp_path, "fp32"))
