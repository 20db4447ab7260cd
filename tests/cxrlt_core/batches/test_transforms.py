from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from settings import augment

from cxrlt_core.batches.transforms import ERASED_AREA, Transforms, apply_transforms, draw_transforms

ALL = augment(rotate=10, shift=0.1, scale=0.1, brightness=0.2, contrast=0.2, gamma=0.3, erase=0.5, flip=True)


def always(value: float) -> SimpleNamespace:
    """A generator whose every draw is the same share of its range."""
    return SimpleNamespace(uniform=lambda low, high, size: np.full(size, float(value)))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def transform(images: torch.Tensor, value: float, **ranges) -> torch.Tensor:
    return apply_transforms(images, draw_transforms(len(images), augment(**ranges), always(value)))


def test_empty_ranges_change_nothing_and_a_turn_contrast_and_brightness_what_they_say(images):
    close = partial(torch.testing.assert_close, atol=1e-5, rtol=1e-5)
    close(apply_transforms(images, draw_transforms(4, augment(), np.random.default_rng(0))), images)
    close(transform(images, 1, rotate=90), torch.rot90(images, 1, (2, 3)))
    close(transform(images, 1, contrast=0.5, brightness=0.25), 1.5 * images + 0.25)


@pytest.mark.parametrize("value", [1, -1])
def test_a_shift_is_a_roll_in_the_interior(images, value):
    moved = transform(images, value, shift=0.25)
    rolled = torch.roll(images, (-4 * value, -4 * value), (2, 3))
    inside = slice(0, 12) if value == 1 else slice(4, 16)
    torch.testing.assert_close(moved[..., inside, inside], rolled[..., inside, inside], atol=1e-5, rtol=0)
    if value == 1:  # beyond the border the edge repeats
        torch.testing.assert_close(moved[..., :12, 12:], moved[..., :12, 11:12].expand(-1, -1, -1, 4))


def test_flip_mirrors_half_of_the_images():
    images = torch.arange(64.0).reshape(1, 1, 8, 8).expand(200, -1, -1, -1)
    out = apply_transforms(images, draw_transforms(200, augment(flip=True), np.random.default_rng(0)))
    mirrored = torch.isclose(out, images.flip(3), atol=1e-4).flatten(1).all(1)
    kept = torch.isclose(out, images, atol=1e-4).flatten(1).all(1)
    assert (mirrored ^ kept).all() and 70 < mirrored.sum() < 130


def test_scale_enlarges_and_shrinks():
    disc = torch.zeros(1, 1, 64, 64)
    disc[..., 24:40, 24:40] = 1
    assert transform(disc, 1, scale=0.5).sum() == pytest.approx(256 * 1.5**2, rel=0.05)
    assert transform(disc, -1, scale=0.25).sum() == pytest.approx(256 * 0.75**2, rel=0.05)


def test_draws_stay_within_their_ranges_and_gamma_is_as_often_above_one_as_below():
    transforms = draw_transforms(500, augment(shift=0.1, contrast=0.3), np.random.default_rng(0))
    assert 0.19 < transforms.geometry[:, :, 2].abs().max() <= 0.2
    assert transforms.tone[:, 0].min() >= 0.7 and transforms.tone[:, 0].max() <= 1.3
    gamma = draw_transforms(4000, augment(gamma=0.5), np.random.default_rng(0)).gamma
    assert gamma.dtype == torch.float32 and gamma.max() <= 1.5 and gamma.min() >= 1 / 1.5
    assert gamma.log().mean().abs() < 0.01 and gamma.max() > 1.49


def test_erasing_clears_one_rectangle_in_a_share_of_the_images_as_a_loop_does():
    images = torch.ones(2000, 1, 48, 64)
    out = apply_transforms(images, draw_transforms(2000, augment(erase=0.25), np.random.default_rng(0)))
    cleared = out[:, 0] == 0
    torch.testing.assert_close(out[~cleared[:, None]], torch.ones(int((~cleared).sum())))
    some = cleared.flatten(1).any(1)
    assert 0.2 < some.float().mean() < 0.3
    area = cleared[some].flatten(1).float().mean(1)
    assert ERASED_AREA[0] - 0.01 < area.min() and area.max() < ERASED_AREA[1] + 0.02
    images = torch.rand(20, 1, 16, 24) + 1
    transforms = draw_transforms(20, augment(erase=0.7), np.random.default_rng(1))
    out = apply_transforms(images, transforms)
    plain = apply_transforms(images, Transforms(transforms.geometry, transforms.tone))
    for image, (left, top, right, bottom) in enumerate(transforms.erased.tolist()):
        for y in range(16):
            for x in range(24):
                inside = left <= (x + 0.5) / 24 < right and top <= (y + 0.5) / 16 < bottom
                assert out[image, 0, y, x] == (0 if inside else plain[image, 0, y, x])


def test_each_image_has_a_transform_of_its_own_and_a_slice_transforms_like_the_whole(images):
    transforms = draw_transforms(4, ALL, np.random.default_rng(0))
    same = apply_transforms(images[:1].expand(4, -1, -1, -1), transforms)
    assert len({row.numpy().tobytes() for row in same}) == 4
    whole = apply_transforms(images, transforms)
    parts = [apply_transforms(images[i : i + 1], transforms[i : i + 1]) for i in range(4)]
    torch.testing.assert_close(whole, torch.cat(parts))


def test_one_range_leaves_the_draws_of_the_others_alone():
    one = draw_transforms(5, augment(brightness=0.2), np.random.default_rng(3))
    two = draw_transforms(5, augment(brightness=0.2, rotate=30, shift=0.2), np.random.default_rng(3))
    torch.testing.assert_close(one.tone, two.tone)
    assert not torch.equal(one.geometry, two.geometry)
    ranges = {"rotate": 5, "brightness": 0.2, "shift": 0.1}
    more = [{}, {"gamma": 0.2}, {"erase": 0.5}, {"gamma": 0.4, "erase": 0.2}]
    generators = [np.random.default_rng(3) for _ in more]
    drawn = [draw_transforms(5, augment(**ranges, **m), g) for m, g in zip(more, generators, strict=True)]
    assert len({(d.geometry.numpy().tobytes(), d.tone.numpy().tobytes()) for d in drawn}) == 1
    assert len({g.random() for g in generators}) == 1  # nor what is drawn next
    assert drawn[0].gamma is None and drawn[0].erased is None
    place = lambda d: d.erased[:, :2] / (1 - d.erased[:, 2:] + d.erased[:, :2])  # noqa: E731
    one, two = (draw_transforms(50, augment(erase=0.9, gamma=g), np.random.default_rng(3)) for g in (0, 0.3))
    torch.testing.assert_close(place(one), place(two))


def test_draws_of_earlier_studies_stay():
    """First numbers of the study's draws, as they were before gamma and erasing."""
    transforms = draw_transforms(2, augment(rotate=5, shift=0.1, brightness=0.2), np.random.default_rng(0))
    uniform = np.random.default_rng(0).uniform(-1, 1, size=(7, 2))
    np.testing.assert_allclose(transforms.geometry[:, 0, 0], np.cos(np.deg2rad(5) * uniform[0]), rtol=1e-6)
    np.testing.assert_allclose(transforms.geometry[:, :, 2], 0.2 * uniform[3:5].T, rtol=1e-6)
    np.testing.assert_allclose(transforms.tone[:, 1], 0.2 * uniform[6], rtol=1e-6)
