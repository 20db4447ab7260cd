import pytest
import torch

from cxrlt_core.designs.hooks import NetworkShape
from cxrlt_core.designs.separate import Settings, classifier
from cxrlt_core.model.classifier import SharedClassifier

PRIOR = torch.tensor([-1.0, -2.0, -6.0])


def build(separate: bool, width: int, prior: torch.Tensor) -> torch.nn.Module:
    shape = NetworkShape(width, width, prior)
    return classifier(Settings(), shape) if separate else SharedClassifier(width, prior)


@pytest.fixture
def features() -> torch.Tensor:
    return torch.randn(5, 3, 8, generator=torch.Generator().manual_seed(0))


def test_the_shared_layer_scores_all_classes_alike(features):
    head = build(False, 8, PRIOR)
    assert sum(p.numel() for p in head.parameters()) == 9
    swapped = features[:, [2, 0, 1]]
    torch.testing.assert_close(head(swapped), head(features)[:, [2, 0, 1]])
    before = head(features)
    with torch.no_grad():
        head.linear.weight += 1
    assert (head(features) != before).all()


def test_separate_has_parameters_of_its_own_for_each_class(features):
    prior = PRIOR.clone()
    head = build(True, 8, prior)
    assert sum(p.numel() for p in head.parameters()) == 3 * 9
    expected = torch.stack([features[:, c] @ head.weight[c] + head.bias[c] for c in range(3)], 1)
    torch.testing.assert_close(head(features), expected)
    head(features)[:, 0].sum().backward()
    assert (head.weight.grad[1:] == 0).all() and (head.weight.grad[0] != 0).all()
    with torch.no_grad():
        head.bias += 1
    assert torch.equal(prior, PRIOR)  # which was copied


@pytest.mark.parametrize(("separate", "start"), [(True, PRIOR), (False, PRIOR.mean().expand(3))])
def test_starts_at_the_prior(separate, start):
    torch.testing.assert_close(build(separate, 8, PRIOR)(torch.zeros(2, 3, 8))[0], start)


def test_a_separate_row_starts_as_a_linear_layer_of_one_output_does():
    weight = build(True, 400, torch.zeros(50)).weight
    assert weight.abs().max() <= 1 / 20
    torch.testing.assert_close(weight.std(), torch.tensor(3**-0.5 / 20), rtol=0.02, atol=0)  # uniform
    assert weight.mean().abs() < 1e-3
