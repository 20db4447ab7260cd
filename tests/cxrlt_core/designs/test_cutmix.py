import numpy as np
import torch

from cxrlt_core.designs.cutmix import Settings, draw, inputs, loss
from cxrlt_core.designs.hooks import Labels
from cxrlt_core.losses.bce import bce
from cxrlt_core.training.objective import label_objective


def test_a_share_of_each_image_is_its_own_and_the_rest_its_partners():
    drawn = draw(Settings(alpha=1), None)(np.arange(64), np.random.default_rng(0))
    images = torch.arange(64.0)[:, None, None, None].expand(64, 1, 100, 100)
    mixed = inputs(Settings(alpha=1), None)(images, images[drawn.partner], drawn.values)
    own = (mixed == images).float().mean((1, 2, 3))
    torch.testing.assert_close(own, drawn.values["lam"], atol=0.02, rtol=0)
    assert ((mixed == images) | (mixed == images[drawn.partner])).all()


def test_labels_count_by_the_share_of_their_image_and_unknown_ones_not_at_all():
    targets, partners = (torch.tensor([[label]], dtype=torch.int8) for label in (1, -1))
    objective = loss(Settings(alpha=1), None)(label_objective(bce))
    labels = Labels(targets, partners, {"lam": torch.tensor([0.75])})
    sums = objective(torch.zeros(1, 1), labels, torch.ones(1))
    torch.testing.assert_close(sums, (0.75 * torch.tensor(2.0).log(), torch.tensor(0.75)))
