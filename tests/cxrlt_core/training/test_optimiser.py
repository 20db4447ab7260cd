def test_biases_and_norms_are_not_decayed(training):
    decayed, others = training().state.optimiser.param_groups
    assert decayed["weight_decay"] == 0.01 and others["weight_decay"] == 0
    assert {p.ndim for p in decayed["params"]} == {2, 4} and {p.ndim for p in others["params"]} == {1}
    count = sum(1 for _ in training().state.model.parameters())
    assert len(decayed["params"]) + len(others["params"]) == count
