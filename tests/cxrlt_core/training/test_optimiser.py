import torch

from cxrlt_core.training.optimiser import build_optimiser, freeze, train_mode


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    parts = {
        "encoder": torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout())
    }
    return torch.nn.Sequential().append(torch.nn.ModuleDict(parts)).append(torch.nn.Linear(4, 2))


def encoder_at(factor: float):
    return [lambda name: factor if "encoder" in name else 1.0]


def test_biases_and_norms_are_not_decayed(training):
    decayed, others = training().state.optimiser.param_groups
    assert decayed["weight_decay"] == 0.01 and others["weight_decay"] == 0
    assert {p.ndim for p in decayed["params"]} == {2, 4} and {p.ndim for p in others["params"]} == {1}
    count = sum(1 for _ in training().state.model.parameters())
    assert len(decayed["params"]) + len(others["params"]) == count


def test_each_learning_rate_has_groups_of_its_own_and_zero_freezes_weights_and_statistics():
    network = model()
    groups = build_optimiser(network, 0.1, 0.01, encoder_at(0.25)).param_groups
    assert [(g["factor"], g["weight_decay"], len(g["params"])) for g in groups] == [
        (0.25, 0.01, 1), (0.25, 0.0, 3), (1.0, 0.01, 1), (1.0, 0.0, 1),
    ]  # fmt: skip
    train_mode(network)
    assert network[0]["encoder"][1].training
    freeze(network, encoder_at(0.0))
    assert len(build_optimiser(network, 0.1, 0.01, encoder_at(0.0)).param_groups) == 2
    train_mode(network)
    encoder = network[0]["encoder"]
    assert network[1].training and not any(layer.training for layer in encoder)  # which drops nothing, too
