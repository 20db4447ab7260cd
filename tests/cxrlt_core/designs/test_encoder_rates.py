import pytest
from runs import run

from cxrlt_core.designs import class_aware, encoder_rate, freeze


def changes(training, folder, **designs) -> dict[str, float]:
    """How far each tensor moves in a training without weight decay."""
    made = training(epochs=1, weight_decay=0.0, designs=designs)
    before = {name: tensor.clone() for name, tensor in made.state.model.state_dict().items()}
    after = run(made, folder, str(designs))
    return {name: float((after[name].double() - before[name].double()).abs().max()) for name in after}


def test_an_encoder_moves_by_its_own_rate_and_stays_where_it_is_frozen(training, tmp_path):
    moved = changes(training, tmp_path, freeze=freeze.Settings(part="encoder"))
    assert not any(size for name, size in moved.items() if name.startswith("encoder."))  # statistics, too
    assert all(moved[name] for name in moved if name.startswith("head."))
    plain = changes(training, tmp_path)
    slower = changes(training, tmp_path, encoder_rate=encoder_rate.Settings(factor=0.01))
    weights = [name for name in plain if name.startswith("encoder.") and name.endswith("conv1.weight")]
    assert weights
    for name in weights:  # Adam's first steps are as long as the rate
        assert slower[name] == pytest.approx(plain[name] / 100, rel=0.5)
    assert slower["head.weight"] == pytest.approx(plain["head.weight"], rel=0.5)


def test_a_classifier_is_trained_again_on_what_stays_by_class_aware_samples(training, tmp_path):
    frozen = freeze.Settings(part="representation")
    moved = changes(training, tmp_path, freeze=frozen, class_aware=class_aware.Settings())
    assert {name for name, size in moved.items() if size} == {"head.weight", "head.bias"}
    assert moved != changes(training, tmp_path, freeze=frozen)
