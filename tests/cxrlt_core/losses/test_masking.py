import torch

from cxrlt_core.losses.masking import label_weights, mean_loss

TARGETS = torch.tensor([[1, 0, -1], [-1, -1, 1]], dtype=torch.int8)


def test_weights_are_products_and_zero_where_unknown():
    weights = label_weights(TARGETS, torch.tensor([1.0, 2.0, 4.0]))
    assert weights.tolist() == [[1, 2, 0], [0, 0, 4]] and weights.dtype == torch.float32
    weights = label_weights(TARGETS, torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.5, 3.0]))
    assert weights.tolist() == [[0.5, 1, 0], [0, 0, 12]]


def test_the_mean_divides_by_the_weights_and_is_zero_without_any():
    assert mean_loss(torch.tensor(6.0), torch.tensor(4.0)) == 1.5
    assert mean_loss(torch.tensor(0.0), torch.tensor(0.0)) == 0
