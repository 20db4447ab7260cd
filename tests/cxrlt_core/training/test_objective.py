import numpy as np
import pytest
from runs import run

from cxrlt_core.system.errors import StudyError
from cxrlt_core.training.objective import class_weights


@pytest.mark.parametrize("untaught", ["of weight 0", "of unknown labels"])
def test_a_class_that_teaches_nothing_keeps_its_row_of_the_separate_classifier(
    untaught, training, toy, tmp_path
):
    weights, targets = np.array([1.0, 1.0, 2.0]), toy[1][:37].copy()
    if untaught == "of weight 0":
        weights[1] = 0
    else:
        targets[:, 1] = -1
    one = training(class_weights=weights, targets=targets, weight_decay=0.0)
    before = one.state.model.head.weight.detach().clone()
    after = run(one, tmp_path)["head.weight"]
    assert (after != before).any(dim=1).tolist() == [True, False, True]


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
