"""A network gets every one of its tensors, or an error that names those that are wrong."""

import pytest
import torch
from torch import nn

from cxrlt_core.pretrained.strict import load_strict
from cxrlt_core.system.errors import StudyError


class Tied(nn.Module):
    """A table under two names, and a layer."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)
        self.inner = nn.Embedding(5, 3)
        self.inner.weight = self.table.weight
        self.layer = nn.Linear(3, 2)


def complete() -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return {
        "table.weight": torch.randn(5, 3),
        "layer.weight": torch.randn(2, 3),
        "layer.bias": torch.randn(2),
    }


def test_all_is_loaded_and_counted_and_what_a_file_may_lack_is_left_as_it_is():
    network, tensors = Tied(), complete()
    loaded = load_strict(network, {**tensors, "head.a": torch.ones(20), "head.b": torch.ones(3)}, ["head.*"])
    assert all(network.state_dict()[name].equal(tensor) for name, tensor in tensors.items())
    assert (loaded.tensors, loaded.parameters, loaded.share) == (3, 23, 1)
    assert loaded.left_out == {"head": 2}
    network = Tied()
    before = network.layer.bias.clone()
    del tensors["layer.bias"]
    loaded = load_strict(network, tensors, [], ["*.bias"])
    assert network.layer.bias.equal(before)
    assert (loaded.tensors, loaded.parameters, loaded.share) == (2, 21, round(21 / 23, 4))


@pytest.mark.parametrize("name", ["table.weight", "inner.weight"])
def test_of_tensors_that_share_memory_one_suffices(name):
    tensors = complete()
    table = tensors.pop("table.weight")
    network = Tied()
    load_strict(network, {**tensors, name: table}, [])
    assert network.inner.weight.equal(table) and network.table.weight.equal(table)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layer.bias": None}, "1 missing: layer.bias"),
        ({"table.weight": None}, "2 missing: table.weight and inner.weight"),
        ({"x.weight": torch.ones(1), "a": torch.ones(1)}, "2 unexpected: a and x.weight"),
        ({"layer.weight": torch.ones(3, 2)}, "1 misshapen: layer.weight (3, 2) for (2, 3)"),
        ({"layer.bias": torch.tensor([1, torch.nan])}, "1 not finite: layer.bias"),
        ({"layer.bias": torch.tensor([1, -torch.inf])}, "1 not finite: layer.bias"),
        ({"inner.weight": torch.zeros(5, 3)}, "1 not the same: table.weight and inner.weight"),
        ({"layer.bias": None, "a": torch.ones(1)}, "1 missing: layer.bias; 1 unexpected: a"),
        ({f"x{n}": torch.ones(1) for n in range(9)}, "9 unexpected: x0, x1, x2 and 6 more"),
    ],
)
def test_what_is_wrong_is_named(changes, message):
    tensors = {name: tensor for name, tensor in (complete() | changes).items() if tensor is not None}
    network = Tied()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(StudyError) as caught:
        load_strict(network, tensors, ["head.*"])
    assert str(caught.value) == message
    assert all(before[name].equal(tensor) for name, tensor in network.state_dict().items())
