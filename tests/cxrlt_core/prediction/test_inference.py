import threading

import numpy as np
import pytest
import torch
from settings import augment
from torch import nn

from cxrlt_core.batches.images import PackedImages, PixelStats, normalise
from cxrlt_core.batches.transforms import apply_transforms, draw_transforms
from cxrlt_core.prediction.inference import Scorer, predict
from cxrlt_core.system.errors import StudyError

CPU = torch.device("cpu")


class FirstPixel(nn.Module):
    """Returns each image's first pixel as its logit, and remembers how it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.modes: list[bool] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(images))
        self.modes.append(self.training)
        return images[:, :, 0, 0]


@pytest.fixture
def numbered() -> PackedImages:
    """Image i is filled with the value i; the set holds rows 22, 21, … 0."""
    array = np.broadcast_to(np.arange(23, dtype=np.uint8)[:, None, None], (23, 4, 4))
    return PackedImages({"s": array}, ["s"] * 23, range(22, -1, -1))


@pytest.mark.parametrize("batch_size", [1, 2, 7, 23, 100])
def test_keeps_the_order_and_every_image_once(batch_size, numbered):
    model = FirstPixel().train()
    [probabilities] = predict(Scorer(model, PixelStats(0.0, 1 / 255), "fp32"), numbered, CPU, batch_size)
    expected = 1 / (1 + np.exp(-np.arange(22, -1, -1.0)[:, None]))
    np.testing.assert_allclose(probabilities, expected, rtol=1e-5)
    assert sum(model.sizes) == 23 and max(model.sizes) <= batch_size
    assert probabilities.dtype == np.float32
    assert not any(model.modes)  # in evaluation mode


def test_an_image_is_read_once_for_all_its_views(numbered, monkeypatch):
    reads, gather_into = [], numbered.gather_into
    monkeypatch.setattr(numbered, "gather_into", lambda p, out: (reads.extend(p), gather_into(p, out)))
    views = [draw_transforms(23, augment(gamma=0.5), np.random.default_rng(seed)) for seed in range(3)]
    found = predict(Scorer(FirstPixel(), PixelStats(0, 1), "fp32"), numbered, CPU, 5, views)
    assert reads == list(range(23))
    for view, one in zip(views, found, strict=True):
        [alone] = predict(Scorer(FirstPixel(), PixelStats(0, 1), "fp32"), numbered, CPU, 5, [view])
        np.testing.assert_array_equal(one, alone)
    assert not np.array_equal(found[0], found[1])


def test_the_reading_thread_ends_with_an_error_and_too_little_memory_is_one_line(numbered):
    class Greedy(nn.Module):
        def forward(self, images):
            return torch.empty(1 << 60)

    for model, error, line in (
        (nn.Linear(3, 3), RuntimeError, None),
        (Greedy(), StudyError, r"^can't allocate memory.*; lower compute\.batch_size$"),
    ):
        with pytest.raises(error, match=line):
            predict(Scorer(model, PixelStats(0, 1), "fp32"), numbered, CPU, 2)
        assert "images" not in {thread.name for thread in threading.enumerate()}


def test_batch_size_and_repetition_do_not_matter_to_a_real_model(build, toy):
    images = PackedImages({"s": toy[0]}, ["s"] * 40, range(40))
    model = build().train()  # with dropout and batch statistics, were it left in training mode
    scorer = Scorer(model, PixelStats(0.4, 0.3), "fp32")
    [whole], [again] = (predict(scorer, images, CPU, 40) for _ in range(2))
    np.testing.assert_array_equal(whole, again)
    for batch_size in (1, 7):
        [part] = predict(scorer, images, CPU, batch_size)
        np.testing.assert_allclose(part, whole, atol=1e-5)
    [rough] = predict(Scorer(model, scorer.pixels, "bf16"), images, CPU, 16)
    assert rough.dtype == np.float32 and not np.array_equal(whole, rough)
    np.testing.assert_allclose(rough, whole, atol=0.05)


def test_every_image_gets_its_own_transform(build, toy):
    """Whatever the batch size, and whatever the rank: those of the set, not of the batch."""
    images = PackedImages({"s": toy[0]}, ["s"] * 40, range(40))
    transforms = draw_transforms(40, augment(rotate=20, gamma=0.5, erase=0.5), np.random.default_rng(0))
    model, pixels = build(), (0.4, 0.3)
    raw = normalise(images.gather(np.arange(40)), *pixels, transforms.gamma)
    with torch.inference_mode():
        expected = torch.sigmoid(model.eval()(apply_transforms(raw, transforms))).numpy()
    for batch_size in (7, 40):
        found, plain = predict(
            Scorer(model, PixelStats(*pixels), "fp32"), images, CPU, batch_size, [transforms, None]
        )
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not np.allclose(plain, expected, atol=1e-4)
