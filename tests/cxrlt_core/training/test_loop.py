import time

import pytest
import torch
from runs import run, same, watch_steps, weights
from settings import MIXUP, augment

from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.checkpoint import Checkpoint


@pytest.mark.parametrize(("n", "batch_size"), [(37, 8), (40, 8), (9, 8), (7, 8), (2, 8), (5, 2), (3, 2)])
def test_every_image_once_an_epoch_in_even_batches(n, batch_size, training, tmp_path, monkeypatch):
    one = training(n, batch_size=batch_size, designs=MIXUP, epochs=2)
    batches: list[list[int]] = []
    gather = one.images.gather
    monkeypatch.setattr(one.images, "gather", lambda p: batches.append(p.tolist()) or gather(p))
    run(one, tmp_path)
    half = len(batches) // 2
    assert len(batches) == one.schedule.steps
    for epoch in (batches[:half], batches[half:]):
        assert sorted(i for batch in epoch for i in batch) == list(range(n))
        sizes = [len(batch) for batch in epoch]
        assert max(sizes) - min(sizes) <= 1 and min(sizes) > 1
        assert max(sizes) <= max(batch_size, 3)
    if n > 5:
        assert batches[:half] != batches[half:]


def test_the_loss_goes_down_on_a_learnable_set(training, tmp_path):
    learning = training(40, epochs=15, augment=augment())
    history = learning.run(Checkpoint(tmp_path))
    losses = [entry["loss"] for entry in history]
    assert 0.5 < losses[0] < 0.9 and losses[-1] < 0.6 * losses[0]
    assert [entry["epoch"] for entry in history] == list(range(1, 16))
    assert learning.schedule.steps == 15 * 5 and learning.state.seconds > 0  # the horizon is the whole run
    rates = [learning.schedule.learning_rate(step) for step in range(4, 75, 5)]
    assert [entry["learning_rate"] for entry in history] == rates


def test_a_run_of_steps_may_end_within_an_epoch_and_equals_one_of_as_many_epochs(training, tmp_path):
    short = training(epochs=None, steps=7)
    history = short.run(Checkpoint(tmp_path))
    assert [entry["epoch"] for entry in history] == [1, 2]
    assert history[1]["learning_rate"] == short.schedule.learning_rate(6)
    assert short.state.step == short.schedule.steps == 7 and short.schedule.passes == 1.4
    assert same(run(training(), tmp_path, "a"), run(training(epochs=None, steps=15), tmp_path, "b"))


def test_too_little_memory_is_one_line_of_advice(training, tmp_path):
    one = training()

    def fail(*batch):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. Long story.\nMore")

    one.step = fail
    with pytest.raises(StudyError) as caught:
        one.run(Checkpoint(tmp_path))
    line = str(caught.value)
    assert line.startswith("CUDA out of memory; lower train.batch_size ") and "\n" not in line
    for knob in ("train.accumulate", "image.size", "train.precision", "train.resident"):
        assert knob in line
    one.step = lambda *batch: torch.empty(1 << 60)  # for real
    with pytest.raises(StudyError, match=r"^can't allocate memory: .* bytes; lower train\.batch_size"):
        one.run(Checkpoint(tmp_path))


def scored(training, seen: list):
    """What a watch does: run the network without dropout, draw numbers, take notes."""

    def watch(state):
        state.model.eval()
        with torch.inference_mode():
            state.model(torch.rand(4, 1, training.images.size, training.images.size))
        torch.manual_seed(1)
        seen.append((state.history[-1]["epoch"], weights(training)))

    return watch


@pytest.mark.parametrize("words", [{}, {"ema": 0.9, "designs": MIXUP}])
def test_a_watch_sees_every_epoch_and_changes_nothing(words, training, tmp_path):
    expected, one, seen = run(training(**words), tmp_path / "unwatched"), training(**words), []
    one.run(Checkpoint(tmp_path), scored(one, seen))
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert same(expected, weights(one)) and same(expected, seen[-1][1])  # those that are saved: averages
    assert not same(seen[0][1], seen[1][1])


def test_what_was_not_seen_before_a_kill_is_seen_after_it(training, tmp_path):
    one, seen = training(), []

    def dying(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one.run(Checkpoint(tmp_path), dying)
    again = training()
    again.run(Checkpoint(tmp_path), scored(again, seen))
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    seen.clear()
    finished = training()
    finished.run(Checkpoint(tmp_path), scored(finished, seen))
    assert [epoch for epoch, _ in seen] == [3]


def test_the_time_of_a_watch_is_not_trainings(training, tmp_path):
    one, two = training(epochs=2), training(epochs=2)
    one.run(Checkpoint(tmp_path / "one"))
    two.run(Checkpoint(tmp_path / "two"), lambda state: time.sleep(0.5))
    assert two.state.seconds < one.state.seconds + 0.5


NAN = r"loss is nan in epoch 2, step 8 of 15, at learning rate {}; try .* below 0.01 or train.clip: 1$"
INF = "weights are not finite in epoch 1, step 5 of 15"


@pytest.mark.parametrize(
    ("value", "when", "at", "line"), [("nan", "before", 7, NAN), ("inf", "after", 4, INF)]
)
def test_what_is_not_finite_stops_the_run_and_is_not_saved(value, when, at, line, training, tmp_path):
    def poison(number: int) -> None:
        if number == at:
            poisoned.state.model.head.bias.data.fill_(float(value))

    poisoned = watch_steps(training(), **{when: poison})
    with pytest.raises(StudyError, match=line.format(f"{poisoned.schedule.learning_rate(at):.3g}")):
        poisoned.run(Checkpoint(tmp_path))
    state = Checkpoint(tmp_path).load()
    assert (state and state["step"]) == (5 if at > 4 else None)
    assert state is None or all(t.isfinite().all() for t in state["model"].values())
