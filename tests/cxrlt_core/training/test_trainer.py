import numpy as np
import pytest
import torch
from settings import augment
from settings import loss as settings_of

from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.losses import build_loss
from cxrlt_core.params.training import Mixup
from cxrlt_core.system.errors import StudyError
from cxrlt_core.training import trainer as training
from cxrlt_core.training.checkpoint import Checkpoint
from cxrlt_core.training.schedule import learning_rate
from cxrlt_core.training.trainer import Trainer, class_weights

CPU = torch.device("cpu")
State = dict[str, torch.Tensor]


def run(trainer: Trainer, folder, name: str = "run") -> State:
    trainer.run(Checkpoint(folder, name=name))
    return {key: value.clone() for key, value in trainer.model.state_dict().items()}


def same(one: State, two: State) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def close(one: State, two: State, tolerance: float = 1e-5) -> bool:
    return all(torch.allclose(one[name].float(), two[name].float(), atol=tolerance) for name in one)


@pytest.mark.parametrize("mixup", [None, Mixup(alpha=0.5)])
def test_a_seed_gives_the_same_bits_and_another_seed_others(mixup, trainer, tmp_path):
    first = run(trainer(mixup=mixup), tmp_path, "a")
    torch.manual_seed(77)  # what happened before does not matter
    assert same(first, run(trainer(mixup=mixup), tmp_path, "b"))
    assert not same(first, run(trainer(mixup=mixup, seed=1), tmp_path, "c"))


def test_streamed_images_give_the_same_bits(trainer, tmp_path):
    one, two = trainer(mixup=Mixup(alpha=0.5)), trainer(mixup=Mixup(alpha=0.5))
    two.images = StreamedImages(two.images, CPU)
    assert same(run(one, tmp_path, "a"), run(two, tmp_path, "b"))


def test_a_finished_run_is_not_trained_again(trainer, tmp_path, monkeypatch):
    expected = run(trainer(ema=0.9), tmp_path)
    again = trainer(ema=0.9)
    monkeypatch.setattr(again, "train_step", lambda *a: 1 / 0)
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
    one = trainer(40, epochs=25, augment=augment())
    history = one.run(Checkpoint(tmp_path))
    losses = [entry["loss"] for entry in history]
    assert 0.5 < losses[0] < 0.9 and losses[-1] < 0.6 * losses[0]
    assert [entry["epoch"] for entry in history] == list(range(1, 26))
    assert one.seconds > 0


def test_the_horizon_is_the_whole_run(trainer, tmp_path):
    one = trainer()
    rates = [entry["learning_rate"] for entry in one.run(Checkpoint(tmp_path))]
    assert one.steps == 3 * 5
    assert rates == [learning_rate(step, 15, one.settings) for step in (4, 9, 14)]


def test_a_run_of_steps_may_end_within_an_epoch(trainer, tmp_path):
    one = trainer(epochs=None, steps=7)
    history = one.run(Checkpoint(tmp_path))
    assert [entry["epoch"] for entry in history] == [1, 2]
    assert history[1]["learning_rate"] == learning_rate(6, 7, one.settings)
    assert one.step == one.steps == 7 and one.passes == 1.4


def test_a_run_of_as_many_steps_equals_one_of_epochs(trainer, tmp_path):
    assert same(run(trainer(), tmp_path, "a"), run(trainer(epochs=None, steps=15), tmp_path, "b"))


def test_a_loss_that_is_not_a_number_stops_the_run_at_its_step(trainer, tmp_path, monkeypatch):
    one = trainer(learning_rate=0.5)
    step = one.train_step
    poison = lambda: one.step == 7 and one.model.head.bias.data.fill_(float("nan"))  # noqa: E731
    monkeypatch.setattr(one, "train_step", lambda *batch: (poison(), step(*batch)))
    rate = f"{learning_rate(7, 15, one.settings):.3g}"
    message = (
        rf"loss is nan in epoch 2, step 8 of 15, at learning rate {rate}; try .* below 0.5 or train.clip: 1$"
    )
    with pytest.raises(StudyError, match=message):
        one.run(Checkpoint(tmp_path))
    state = Checkpoint(tmp_path).load()
    assert state["step"] == 5 and all(t.isfinite().all() for t in state["model"].values())


def test_weights_that_are_not_finite_are_not_saved(trainer, tmp_path, monkeypatch):
    one = trainer()
    step = one.train_step
    poison = lambda: one.step == 4 and one.model.head.bias.data.fill_(float("inf"))  # noqa: E731
    monkeypatch.setattr(one, "train_step", lambda *batch: (step(*batch), poison()))
    with pytest.raises(StudyError, match=r"weights are not finite in epoch 1, step 5 of 15"):
        one.run(Checkpoint(tmp_path))
    assert Checkpoint(tmp_path).load() is None


def test_too_little_memory_is_one_line_of_advice(trainer, tmp_path, monkeypatch):
    one = trainer()

    def fail(*batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. Long story.\nMore")

    monkeypatch.setattr(one, "train_step", fail)
    with pytest.raises(
        StudyError, match=r"^CUDA out of memory; lower train\.batch_size .*train\.accumulate"
    ) as caught:
        one.run(Checkpoint(tmp_path))
    assert "\n" not in str(caught.value)
    for knob in ("image.size", "train.precision", "train.resident"):
        assert knob in str(caught.value)
    monkeypatch.setattr(one, "train_step", lambda *batch: torch.empty(1 << 60))  # for real
    with pytest.raises(StudyError, match=r"^can't allocate memory: .* bytes; lower train\.batch_size"):
        one.run(Checkpoint(tmp_path))


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
    assert all(torch.equal(calls[i][1], calls[i + 1][1]) for i in range(0, 10, 2))  # the same shares


def test_augmentation_is_on_and_new_in_every_epoch(trainer, tmp_path, monkeypatch):
    seen = []
    apply = training.apply_transforms
    monkeypatch.setattr(training, "apply_transforms", lambda x, t: seen.append(t.geometry) or apply(x, t))
    run(trainer(), tmp_path)
    geometries = {row.numpy().tobytes() for batch in seen for row in batch}
    assert len(geometries) == 3 * 37


@pytest.mark.parametrize("mixup", [None, Mixup(alpha=0.5)])
@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_accumulated_parts_give_the_gradient_of_the_whole_batch(mixup, loss, trainer, plain, toy, tmp_path):
    """Unknown labels are spread unevenly, so a mean of the parts' means would be another number."""
    targets = toy[1].copy()
    targets[::2, 1:] = -1
    targets[:13] = -1
    gradients = []
    for accumulate in (1, 2, 3):
        changes = {"batch_size": 19, "accumulate": accumulate, "steps": 1, "epochs": None}
        losses = build_loss(settings_of(loss), targets)
        one = trainer(model=plain(), targets=targets[:37], mixup=mixup, loss=losses, **changes)
        run(one, tmp_path, f"{accumulate}")
        gradients.append([p.grad.clone() for p in one.model.parameters()])
    for other in gradients[1:]:
        for a, b in zip(gradients[0], other, strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_a_batch_too_small_for_its_parts_is_refused(trainer):
    with pytest.raises(StudyError, match=r"train.batch_size: 8 .* 5 parts .* expected at least 10$"):
        trainer(accumulate=5)


def test_the_gradient_is_clipped(trainer, tmp_path):
    def norm(**settings) -> float:
        one = trainer(steps=1, epochs=None, **settings)
        run(one, tmp_path, str(settings))
        return torch.stack([p.grad.norm() for p in one.model.parameters()]).norm().item()

    assert norm() > 0.02
    assert norm(clip=0.01) == pytest.approx(0.01, rel=1e-3)


def test_averaged_weights_are_the_ones_that_stay(trainer, tmp_path):
    """Against the average written out, over the weights after each step of a run without it."""
    one = trainer(epochs=1)
    steps, step = [], one.train_step
    one.train_step = lambda *batch: (
        step(*batch),
        steps.append([p.detach().clone() for p in one.model.parameters()]),
    )
    start = [p.detach().clone() for p in one.model.parameters()]
    last = run(one, tmp_path, "plain")
    for t, weights in enumerate(steps):
        decay = min(0.15, (1 + t) / (10 + t))
        start = [decay * a + (1 - decay) * w for a, w in zip(start, weights, strict=True)]
    averaged = trainer(epochs=1, ema=0.15)
    state = run(averaged, tmp_path, "ema")
    for (name, found), expected in zip(averaged.model.named_parameters(), start, strict=True):
        torch.testing.assert_close(found.detach(), expected, msg=name)
    buffers = [name for name, _ in averaged.model.named_buffers()]
    assert buffers and all(torch.equal(state[name], last[name]) for name in buffers)
    assert not same(state, last)


def test_a_class_without_a_known_label_weighs_nothing_and_is_named_once(capsys):
    targets = np.array([[1, -1, 0], [0, -1, -1]], np.int8)
    weights = class_weights({"a": 2.0, "b": 3.0, "c": 1.0}, ["a", "b", "c"], targets)
    assert weights.tolist() == [2, 0, 1]
    assert capsys.readouterr().out == "no known training label, weight 0 in the loss: b\n"
    class_weights({"a": 1.0, "c": 1.0}, ["a", "c"], targets[:, [0, 2]])
    class_weights({"a": 2.0, "b": 3.0, "c": 1.0}, ["a", "b", "c"], targets, report=False)
    assert capsys.readouterr().out == ""
    with pytest.raises(StudyError, match="no known label"):
        class_weights({"b": 1.0}, ["b"], targets[:, [1]])


def test_a_compiled_network_learns_the_same(trainer, tmp_path, monkeypatch, capsys):
    """Without a compiler: a line, and the network as it is."""

    def broken(*args):
        raise RuntimeError("no compiler\nhere")

    monkeypatch.setattr(torch, "compile", broken)
    state = run(trainer(compile=True, epochs=1), tmp_path, "compiled")
    assert (
        capsys.readouterr().out == "train.compile: left out, torch.compile does not work here: no compiler\n"
    )
    monkeypatch.setattr(torch, "compile", lambda f: f)
    assert same(state, run(trainer(compile=True, epochs=1), tmp_path, "plain"))


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
