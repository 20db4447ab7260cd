import numpy as np
import torch

from cxrlt_core.designs.clip_pixels import clip


def test_each_image_is_clipped_at_its_own_percentiles():
    images = np.random.default_rng(0).normal(size=(3, 1, 32, 32)).astype(np.float32)
    images[1] *= 50
    clipped = clip(torch.from_numpy(images), 0.005).numpy()
    for before, after in zip(images, clipped, strict=True):
        low, high = np.sort(before.ravel())[[5, -6]]  # five of 1,024 are half a percent
        np.testing.assert_array_equal(after, np.clip(before, low, high))
        percentiles = np.percentile(before, [0.5, 99.5], method="nearest")
        assert (low, high) == tuple(percentiles)


def test_a_model_sees_no_more_of_an_image_in_training_or_prediction_and_its_weights_keep_their_names(build):
    plain, model = build(designs={}), build(designs={"clip_pixels": {"share": 0.01}})
    assert plain.state_dict().keys() == model.state_dict().keys()
    image = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    marked = image.clone()
    marked[:, :, 3, 4:8] = 100.0  # letters: 4 of the 10 pixels that may be beyond
    for each in (model.train(), model.eval()):
        expected = plain.train(each.training)(clip(marked, 0.01))
        torch.testing.assert_close(each(marked), expected)
        assert not torch.allclose(plain(marked), expected, atol=1e-4)
