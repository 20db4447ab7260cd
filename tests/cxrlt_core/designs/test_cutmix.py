import numpy as np
import torch

from cxrlt_core.designs.cutmix import Settings, draw, inputs


def test_a_share_of_each_image_is_its_own_and_the_rest_its_partners():
    drawn = draw(Settings(alpha=1), None)(np.arange(64), np.random.default_rng(0))
    images = torch.arange(64.0)[:, None, None, None].expand(64, 1, 100, 100)
    mixed = inputs(Settings(alpha=1), None)(images, images[drawn.partner], drawn.values)
    own = (mixed == images).float().mean((1, 2, 3))
    torch.testing.assert_close(own, drawn.values["lam"], atol=0.02, rtol=0)
    assert ((mixed == images) | (mixed == images[drawn.partner])).all()
