import numpy as np
import pytest

from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.schedule import Schedule, build_schedule, step_seed, steps_per_epoch


def test_learning_rate_warms_up_and_ends_near_zero_also_in_short_runs():
    runs = {steps: Schedule(5, steps, peak=0.01, warmup=0.1) for steps in (1, 2, 3, 200)}
    rates = {steps: [run.learning_rate(step) for step in range(steps)] for steps, run in runs.items()}
    assert all(0 < rate <= 0.01 + 1e-12 for run in rates.values() for rate in run)
    rates = rates[200]
    np.testing.assert_allclose(rates[:20], 0.01 * np.arange(1, 21) / 20)
    assert max(rates) == pytest.approx(0.01) and rates[-1] < 1e-5
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[110] == pytest.approx(0.005)  # half way down the cosine


def test_epochs_and_where_they_end():
    schedule = Schedule(steps_per_epoch=5, steps=12, peak=0.01, warmup=0.1)
    assert [schedule.epoch(step) for step in (0, 4, 5, 11)] == [0, 0, 1, 2]
    assert [schedule.end(step) for step in (0, 4, 5, 11)] == [5, 5, 10, 12]
    assert schedule.passes == 2.4


def test_a_run_is_so_many_epochs_or_so_many_steps(smoke):
    changes = {"batch_size": 8, "learning_rate": 0.01, "warmup": 0.2}
    epochs = smoke.train.model_copy(update={**changes, "epochs": 3, "steps": None})
    steps = smoke.train.model_copy(update={**changes, "epochs": None, "steps": 7})
    assert build_schedule(37, epochs, 1) == Schedule(5, 15, 0.01, 0.2)
    assert build_schedule(37, steps, 4) == Schedule(4, 7, 0.01, 0.2)


@pytest.mark.parametrize(
    ("n", "batch_size", "parts", "steps"),
    [(37, 8, 1, 5), (40, 8, 1, 5), (9, 8, 1, 2), (2, 8, 1, 1), (3, 2, 1, 1), (37, 8, 4, 4), (40, 16, 2, 3)],
)
def test_every_part_of_a_batch_has_two_images(n, batch_size, parts, steps):
    assert steps_per_epoch(n, batch_size, parts) == steps
    for batch in np.array_split(np.arange(n), steps):
        assert min(len(part) for part in np.array_split(batch, parts)) >= 2
    with pytest.raises(StudyError, match=r"holds 7 image\(s\), expected at least 8 for 4 parts a batch$"):
        steps_per_epoch(7, 8, 4)


def test_step_seeds_differ():
    seeds = {step_seed(seed, step, rank) for seed in range(3) for step in range(50) for rank in range(3)}
    assert len(seeds) == 450 and max(seeds) < 2**63
