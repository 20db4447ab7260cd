import pytest
from runs import watch_steps

from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.checkpoint import Checkpoint

NAN = r"loss is nan in epoch 2, step 8 of 15, at learning rate {}; try .* below 0.01 or train.clip: 1$"
INF = "weights are not finite in epoch 1, step 5 of 15"


@pytest.mark.parametrize(
    ("value", "when", "at", "line"), [("nan", "before", 7, NAN), ("inf", "after", 4, INF)]
)
def test_what_is_not_finite_stops_the_run_and_is_not_saved(value, when, at, line, training, tmp_path):
    def poison(number: int) -> None:
        if number == at:
            run.state.model.head.bias.data.fill_(float(value))

    run = watch_steps(training(), **{when: poison})
    with pytest.raises(StudyError, match=line.format(f"{run.schedule.learning_rate(at):.3g}")):
        run.run(Checkpoint(tmp_path))
    state = Checkpoint(tmp_path).load()
    assert (state and state["step"]) == (5 if at > 4 else None)
    assert state is None or all(t.isfinite().all() for t in state["model"].values())
