import pytest

from cxrlt_core.system.errors import StudyError


@pytest.mark.parametrize("changes", [{"train.steps": 5}, {"train.epochs": None}])
def test_a_run_has_one_length(changes, changed):
    with pytest.raises(StudyError, match=r"^params.yaml: train: expected one of epochs and steps$"):
        changed(changes)


def test_a_run_of_steps(changed):
    train = changed({"train.epochs": None, "train.steps": 5}).train
    assert train.steps == 5 and train.epochs is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.resident", "maybe"),
        ("train.clip", 0),
        ("train.accumulate", 0),
        ("train.ema", 1),
        ("train.ema", 0),
    ],
)
def test_values_out_of_range_are_refused(key, value, changed):
    with pytest.raises(StudyError, match=rf"^params.yaml: {key}: .*, found {value!r}$"):
        changed({key: value})
