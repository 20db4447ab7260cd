import pytest
import torch
from torch import nn

from cxrlt_core.training.average import Average
from cxrlt_core.training.average import ema as ema_of


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


@pytest.mark.parametrize("decay", [0.3, 0.999])
def test_equals_the_average_written_out(decay, model):
    ema, expected = Average(model, ema_of(decay)), [p.detach().clone() for p in model.parameters()]
    for step in range(30):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter))
        ema.update(step)
        share = min(decay, (1 + step) / (10 + step))
        parameters = zip(expected, model.parameters(), strict=True)
        expected = [share * a + (1 - share) * p.detach() for a, p in parameters]
    torch.testing.assert_close(ema.averages, expected)


def test_the_model_takes_the_averages_for_a_while_or_for_good_and_keeps_its_buffers(model):
    ema = Average(model, ema_of(0.9))
    with torch.no_grad():
        model[0].weight.add_(1)
    model[1].running_mean.add_(3)
    ema.update(0)
    trained = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(KeyError), ema.in_model():
        assert all(map(torch.equal, model.parameters(), ema.averages))
        assert not torch.equal(model[0].weight, trained[0])
        raise KeyError
    assert all(map(torch.equal, model.parameters(), trained))
    again = Average(model, ema_of(0.9))
    again.load([average.clone() for average in ema.averages])
    ema.copy_to_model()
    torch.testing.assert_close(model[0].weight.detach(), trained[0] - 0.1)
    assert (model[1].running_mean == 3).all()
    with torch.no_grad():
        model[0].weight.add_(1)
    for average in (ema, again):
        average.update(1)
    torch.testing.assert_close(ema.averages, again.averages, rtol=0, atol=0)
