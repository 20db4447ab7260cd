import numpy as np
import torch
from scipy.stats import kstest, spearmanr
from settings import augment

from cxrlt_core.batches.images import PackedImages, PixelStats
from cxrlt_core.designs.tta import Tta, _Draws, average_views, contents_of, draw_views
from cxrlt_core.prediction.inference import Scorer, predict

CONTENTS = contents_of(np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8))
SETTINGS = Tta(views=3, seed=5, augment=augment(rotate=10, shift=0.1, contrast=0.1))
CPU = torch.device("cpu")


def test_views_and_images_differ_from_one_another():
    views = draw_views(CONTENTS, SETTINGS)
    geometries = {row.numpy().tobytes() for view in views for row in view.geometry}
    assert len(views) == 3 and len(geometries) == 18


def test_an_image_has_its_views_wherever_it_stands():
    some = [4, 1]
    for whole, part in zip(draw_views(CONTENTS, SETTINGS), draw_views(CONTENTS[some], SETTINGS), strict=True):
        assert torch.equal(whole.geometry[some], part.geometry) and torch.equal(whole.tone[some], part.tone)


def test_one_grey_level_makes_other_views():
    image = np.zeros((4, 4), np.uint8)
    other = image.copy()
    other[3, 3] = 1
    [view] = draw_views(contents_of([image, other, image]), SETTINGS.model_copy(update={"views": 1}))
    assert not torch.equal(view.geometry[0], view.geometry[1])
    assert torch.equal(view.geometry[0], view.geometry[2])


def test_draws_are_uniform_and_independent():
    """By the tests of Kolmogorov and of rank correlation, over images, quantities, views and seeds."""
    contents = contents_of(np.arange(4000, dtype=np.uint16).reshape(4000, 1))
    full = augment(shift=0.5, brightness=1, gamma=1)
    drawn = []
    for seed in (0, 1):
        for view in draw_views(contents, Tta(views=2, seed=seed, augment=full)):
            drawn += [view.geometry[:, 0, 2], view.geometry[:, 1, 2], view.tone[:, 1]]
            drawn += [view.gamma.log() / np.log(2)]
    drawn = np.array([one.double().numpy() for one in drawn])
    assert min(kstest(one, "uniform", (-1, 2)).pvalue for one in drawn) > 1e-3
    apart = spearmanr(drawn.T).statistic[np.triu_indices(len(drawn), 1)]
    assert np.abs(apart).max() < 5 / np.sqrt(4000)


def test_the_numbers_are_those_of_splitmix64():
    """The first ones of its reference implementation (Vigna 2015) with the seed 1234567."""
    reference = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    drawn = _Draws(np.array([1234567], np.uint64)).uniform(-1, 1, (4, 1))
    assert drawn[:, 0].tolist() == [-1 + 2 * (number >> 11) * 2.0**-53 for number in reference]


def test_views_are_reproducible_and_follow_the_seed():
    more = SETTINGS.model_copy(update={"views": 5})  # which keeps the first ones
    for one, two in zip(draw_views(CONTENTS, SETTINGS), draw_views(CONTENTS, more), strict=False):
        assert torch.equal(one.geometry, two.geometry) and torch.equal(one.tone, two.tone)
    other = draw_views(CONTENTS, SETTINGS.model_copy(update={"seed": 6}))
    assert not torch.equal(other[0].geometry, draw_views(CONTENTS, SETTINGS)[0].geometry)
    seeds = [draw_views(CONTENTS, SETTINGS.model_copy(update={"seed": seed})) for seed in range(10)]
    assert len({views[0].geometry.numpy().tobytes() for views in seeds}) == 10


def test_probabilities_are_averaged_not_logits():
    views = [np.array([[0.5]], np.float32), np.array([[0.999]], np.float32)]
    np.testing.assert_allclose(average_views(views), [[0.7495]], rtol=1e-6)
    assert average_views(views).dtype == np.float32


def test_the_views_do_not_depend_on_the_batch_size(build, toy):
    images, _ = toy
    packed = PackedImages({"s": images[:11]}, ["s"] * 11, range(11))
    model = build().eval()
    view = draw_views(contents_of(packed), SETTINGS)[0]
    whole, plain = predict(Scorer(model, PixelStats(0.4, 0.3), "fp32"), packed, CPU, 64, [view, None])
    assert np.abs(whole - plain).max() > 1e-4
    for batch_size in (1, 4, 11):
        [split] = predict(Scorer(model, PixelStats(0.4, 0.3), "fp32"), packed, CPU, batch_size, [view])
        np.testing.assert_allclose(split, whole, atol=1e-5)
