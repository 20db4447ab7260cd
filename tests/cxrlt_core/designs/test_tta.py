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


def test_views_differ_by_image_number_and_seed_wherever_an_image_stands():
    views, some = draw_views(CONTENTS, SETTINGS), [4, 1]
    assert len(views) == 3 and len({row.numpy().tobytes() for view in views for row in view.geometry}) == 18
    for whole, part in zip(views, draw_views(CONTENTS[some], SETTINGS), strict=True):
        assert torch.equal(whole.geometry[some], part.geometry) and torch.equal(whole.tone[some], part.tone)
    more = draw_views(CONTENTS, SETTINGS.model_copy(update={"views": 5}))  # which keeps the first ones
    for fewer, again in zip(views, more, strict=False):
        assert torch.equal(fewer.geometry, again.geometry) and torch.equal(fewer.tone, again.tone)
    seeds = [draw_views(CONTENTS, SETTINGS.model_copy(update={"seed": seed})) for seed in range(10)]
    assert len({first.geometry.numpy().tobytes() for first, *_ in seeds}) == 10


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


def test_the_views_do_not_depend_on_the_batch_size_and_probabilities_are_averaged(build, toy):
    images, _ = toy
    packed = PackedImages({"s": images[:11]}, ["s"] * 11, range(11))
    scorer = Scorer(build().eval(), PixelStats(0.4, 0.3), "fp32")
    view = draw_views(contents_of(packed), SETTINGS)[0]
    whole, plain = predict(scorer, packed, CPU, 64, [view, None])
    assert np.abs(whole - plain).max() > 1e-4
    for batch_size in (1, 4, 11):
        [split] = predict(scorer, packed, CPU, batch_size, [view])
        np.testing.assert_allclose(split, whole, atol=1e-5)
    averaged = average_views([np.array([[0.5]], np.float32), np.array([[0.999]], np.float32)])
    np.testing.assert_allclose(averaged, [[0.7495]], rtol=1e-6)  # not the logits
    assert averaged.dtype == np.float32
