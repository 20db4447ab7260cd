import pytest
import torch
from runs import CPU, run, same, watch_steps
from settings import MIXUP
from settings import loss as settings_of

from cxrlt_core.batches.streaming import StreamedImages
from cxrlt_core.losses import build_loss
from cxrlt_core.training import step


@pytest.mark.parametrize("designs", [{}, MIXUP])
def test_a_seed_gives_the_same_bits_and_another_seed_others(designs, training, tmp_path):
    first = run(training(designs=designs), tmp_path, "a")
    torch.manual_seed(77)  # what happened before does not matter
    assert same(first, run(training(designs=designs), tmp_path, "b"))
    assert not same(first, run(training(designs=designs, seed=1), tmp_path, "c"))


def test_streamed_images_give_the_same_bits_and_bfloat16_trains_float32_weights(training, tmp_path):
    expected, streamed = run(training(designs=MIXUP), tmp_path, "a"), training(designs=MIXUP)
    streamed.images = StreamedImages(streamed.images, CPU)
    assert same(expected, run(streamed, tmp_path, "b"))
    state = run(training(designs=MIXUP, precision="bf16"), tmp_path, "c")
    assert {t.dtype for t in state.values() if t.is_floating_point()} == {torch.float32}
    assert not same(state, expected)


def test_augmentation_is_on_and_new_in_every_epoch(training, tmp_path, monkeypatch):
    seen = []
    apply = step.apply_transforms
    monkeypatch.setattr(step, "apply_transforms", lambda x, t: seen.append(t.geometry) or apply(x, t))
    run(training(), tmp_path)
    geometries = {row.numpy().tobytes() for batch in seen for row in batch}
    assert len(geometries) == 3 * 37


@pytest.mark.parametrize("designs", [{}, MIXUP])
@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_accumulated_parts_give_the_gradient_of_the_whole_batch(
    designs, loss, training, plain, toy, tmp_path
):
    """Unknown labels are spread unevenly, so a mean of the parts' means would be another number."""
    targets = toy[1].copy()
    targets[::2, 1:] = -1
    targets[:13] = -1
    gradients = []
    for accumulate in (1, 2, 3):
        changes = {"batch_size": 19, "accumulate": accumulate, "steps": 1, "epochs": None}
        losses = build_loss(settings_of(loss), targets)
        one = training(model=plain(), targets=targets[:37], designs=designs, loss=losses, **changes)
        run(one, tmp_path, f"{accumulate}")
        gradients.append([p.grad.clone() for p in one.state.model.parameters()])
    for other in gradients[1:]:
        for a, b in zip(gradients[0], other, strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_the_gradient_is_clipped(training, tmp_path):
    def norm(**settings) -> float:
        one = training(steps=1, epochs=None, **settings)
        run(one, tmp_path, str(settings))
        return torch.stack([p.grad.norm() for p in one.state.model.parameters()]).norm().item()

    assert norm() > 0.02
    assert norm(clip=0.01) == pytest.approx(0.01, rel=1e-3)


def test_averaged_weights_are_the_ones_that_stay(training, tmp_path):
    """Against the average written out, over the weights after each step of a run without it."""

    def copies() -> list[torch.Tensor]:
        return [p.detach().clone() for p in plain.state.model.parameters()]

    plain, steps = training(epochs=1), []
    start = copies()
    last = run(watch_steps(plain, after=lambda _: steps.append(copies())), tmp_path, "plain")
    for t, weights in enumerate(steps):
        decay = min(0.15, (1 + t) / (10 + t))
        start = [decay * a + (1 - decay) * w for a, w in zip(start, weights, strict=True)]
    averaged = training(epochs=1, ema=0.15)
    state = run(averaged, tmp_path, "ema")
    for (name, found), expected in zip(averaged.state.model.named_parameters(), start, strict=True):
        torch.testing.assert_close(found.detach(), expected, msg=name)
    buffers = [name for name, _ in averaged.state.model.named_buffers()]
    assert buffers and all(torch.equal(state[name], last[name]) for name in buffers)
    assert not same(state, last)
