import pytest
import torch
from runs import run, same, watch_steps, weights

from cxrlt_core.designs.hooks import Context
from cxrlt_core.designs.swa import Settings, average


@pytest.mark.parametrize(("start", "first"), [(0.0, 0), (0.6, 6), (0.99, 9)])
def test_it_is_the_mean_of_the_weights_after_each_of_the_last_steps(start, first):
    update = average(Settings(start=start), Context(None, [], 10, 5, None))
    averages, path = [torch.full((3,), 5.0)], torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    for step, now in enumerate(path):
        update(averages, [now], step)
        torch.testing.assert_close(averages[0], path[min(first, step) : step + 1].mean(0))


def test_a_training_saves_the_mean_with_the_same_steps(training, plain, tmp_path):
    path = []
    with_mean = training(epochs=2, model=plain(), designs={"swa": Settings(start=0.7)})
    mean = run(watch_steps(with_mean, after=lambda _: path.append(weights(with_mean))), tmp_path, "mean")
    without = run(training(epochs=2, model=plain()), tmp_path, "without")
    assert len(path) == 10 and same(path[-1], without)
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, torch.stack([state[name] for state in path[7:]]).mean(0))
