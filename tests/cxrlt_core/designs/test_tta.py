import numpy as np
import torch
from settings import augment

from cxrlt_core.batches.images import PackedImages
from cxrlt_core.designs.tta import average_views, draw_views
from cxrlt_core.params.schema import Tta
from cxrlt_core.prediction.inference import predict

SETTINGS = Tta(views=3, seed=5, augment=augment(rotate=10, shift=0.1, contrast=0.1))
CPU = torch.device("cpu")


def test_views_and_images_differ_from_one_another():
    views = draw_views(6, SETTINGS)
    geometries = {row.numpy().tobytes() for view in views for row in view.geometry}
    assert len(views) == 3 and len(geometries) == 18


def test_views_are_reproducible_and_follow_the_seed():
    for one, two in zip(draw_views(6, SETTINGS), draw_views(6, SETTINGS), strict=True):
        assert torch.equal(one.geometry, two.geometry) and torch.equal(one.tone, two.tone)
    other = draw_views(6, SETTINGS.model_copy(update={"seed": 6}))
    assert not torch.equal(other[0].geometry, draw_views(6, SETTINGS)[0].geometry)


def test_more_views_keep_the_first_ones():
    more = draw_views(6, SETTINGS.model_copy(update={"views": 5}))
    for one, two in zip(draw_views(6, SETTINGS), more, strict=False):
        assert torch.equal(one.geometry, two.geometry)


def test_probabilities_are_averaged_not_logits():
    views = [np.array([[0.5]], np.float32), np.array([[0.999]], np.float32)]
    np.testing.assert_allclose(average_views(views), [[0.7495]], rtol=1e-6)
    assert average_views(views).dtype == np.float32


def test_one_view_is_that_view():
    view = np.random.default_rng(0).random((4, 2)).astype(np.float32)
    np.testing.assert_array_equal(average_views([view]), view)


def test_the_views_do_not_depend_on_the_batch_size(build, toy):
    images, _ = toy
    packed = PackedImages({"s": images[:11]}, ["s"] * 11, range(11))
    model = build().eval()
    view = draw_views(11, SETTINGS)[0]
    whole, plain = predict(model, packed, (0.4, 0.3), CPU, "fp32", 64, [view, None])
    assert np.abs(whole - plain).max() > 1e-4
    for batch_size in (1, 4, 11):
        [split] = predict(model, packed, (0.4, 0.3), CPU, "fp32", batch_size, [view])
        np.testing.assert_allclose(split, whole, atol=1e-5)
