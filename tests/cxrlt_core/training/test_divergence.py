import pytest

from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.checkpoint import Checkpoint


def test_a_loss_that_is_not_a_number_stops_the_run_at_its_step(training, tmp_path):
    one = training(learning_rate=0.5)
    step = one.step
    poison = lambda number: number == 7 and one.state.model.head.bias.data.fill_(float("nan"))  # noqa: E731
    one.step = lambda number, *batch: (poison(number), step(number, *batch))[1]
    rate = f"{one.schedule.learning_rate(7):.3g}"
    message = (
        rf"loss is nan in epoch 2, step 8 of 15, at learning rate {rate}; try .* below 0.5 or train.clip: 1$"
    )
    with pytest.raises(StudyError, match=message):
        one.run(Checkpoint(tmp_path))
    state = Checkpoint(tmp_path).load()
    assert state["step"] == 5 and all(t.isfinite().all() for t in state["model"].values())


def test_weights_that_are_not_finite_are_not_saved(training, tmp_path):
    one = training()
    step = one.step
    poison = lambda number: number == 4 and one.state.model.head.bias.data.fill_(float("inf"))  # noqa: E731
    one.step = lambda number, *batch: (step(number, *batch), poison(number))[0]
    with pytest.raises(StudyError, match=r"weights are not finite in epoch 1, step 5 of 15"):
        one.run(Checkpoint(tmp_path))
    assert Checkpoint(tmp_path).load() is None
