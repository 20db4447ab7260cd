import torch

from cxrlt_core.training.optimiser import AdamW


def trained(kind):
    """Parameters and state after some steps, the state saved and loaded on the way."""
    torch.manual_seed(0)
    model, state = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4)), None
    for _ in range(2):
        optimiser = kind(model.parameters(), lr=0.1, weight_decay=0.1, fused=True)
        if state is not None:
            optimiser.load_state_dict(state)
        for _ in range(3):
            optimiser.zero_grad(set_to_none=True)
            model(torch.ones(2, 4)).square().sum().backward()
            optimiser.step()
        state = optimiser.state_dict()
    return [*model.parameters(), *(state["state"][0][name] for name in ("step", "exp_avg", "exp_avg_sq"))]


def test_it_takes_the_steps_of_pytorch():
    assert all(map(torch.equal, trained(AdamW), trained(torch.optim.AdamW)))
    assert trained(AdamW)[4] == 6


def test_biases_and_norms_are_not_decayed(training):
    decayed, others = training().state.optimiser.param_groups
    assert decayed["weight_decay"] == 0.01 and others["weight_decay"] == 0
    assert {p.ndim for p in decayed["params"]} == {2, 4} and {p.ndim for p in others["params"]} == {1}
    count = sum(1 for _ in training().state.model.parameters())
    assert len(decayed["params"]) + len(others["params"]) == count
