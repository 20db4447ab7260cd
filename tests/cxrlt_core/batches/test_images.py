import numpy as np
import pytest
import torch

from cxrlt_core.batches.images import PackedImages, intensity, normalise

CPU = torch.device("cpu")


@pytest.fixture
def arrays(tmp_path) -> dict[str, np.ndarray]:
    """Arrays as the study has them, mapped from files."""
    generator = np.random.default_rng(0)
    for name, count in (("a", 9), ("b", 5)):
        np.save(tmp_path / f"{name}.npy", generator.integers(0, 256, (count, 8, 8), dtype=np.uint8))
    return {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "ab"}


@pytest.fixture
def packed(arrays) -> PackedImages:
    return PackedImages(arrays, ["b", "a", "a", "b", "a"], [4, 8, 0, 1, 8])


def test_gathers_from_several_arrays_in_the_order_asked_for(arrays, packed, monkeypatch):
    expected = np.stack([arrays["b"][4], arrays["a"][8], arrays["a"][0], arrays["b"][1], arrays["a"][8]])
    assert len(packed) == 5 and packed.size == 8
    for positions in ([3, 0, 2, 1, 4], [4], [1, 1, 0], []):
        positions = np.array(positions, int)
        batch = packed.gather(positions)
        assert batch.dtype == torch.uint8
        np.testing.assert_array_equal(batch[:, 0].numpy(), expected[positions])
    monkeypatch.setattr("cxrlt_core.batches.images.LOADED_AT_ONCE", 2)  # the set is larger
    assert torch.equal(packed.resident(CPU).gather(np.arange(5)), packed.gather(np.arange(5)))


def test_intensity_equals_numpy_and_blank_images_keep_a_deviation(arrays, packed):
    pixels = packed.gather(np.arange(5)).numpy() / 255
    assert intensity(packed) == pytest.approx((pixels.mean(), pixels.std()))
    images = normalise(packed.gather(np.arange(5)), *intensity(packed))
    assert images.dtype == torch.float32
    assert [images.mean().item(), images.std(correction=0).item()] == pytest.approx([0, 1], abs=1e-5)
    mean, deviation = intensity(PackedImages({"s": np.zeros((2, 4, 4), np.uint8)}, ["s", "s"], [0, 1]))
    assert mean == 0 and deviation > 0


def test_intensity_of_a_sample_takes_first_and_last(arrays):
    whole = PackedImages(arrays, ["a"] * 9, range(9))
    ends = arrays["a"][[0, 8]] / 255
    assert intensity(whole, sample=2) == pytest.approx((ends.mean(), ends.std()))
    many = np.random.default_rng(1).integers(0, 256, size=(2500, 2, 2)).astype(np.uint8)  # in parts
    expected = ((many / 255).mean(), (many / 255).std())
    assert intensity(PackedImages({"s": many}, ["s"] * 2500, range(2500))) == pytest.approx(expected)


def test_gamma_raises_each_image_to_its_own_power(packed):
    images, gamma = packed.gather(np.arange(5)), torch.tensor([1.0, 2.0, 0.5, 1.2, 0.8])
    bent = normalise(images, 0.4, 0.3, gamma)
    for image, out, power in zip(images, bent, gamma.tolist(), strict=True):
        torch.testing.assert_close(out, ((image / 255.0) ** power - 0.4) / 0.3)
    torch.testing.assert_close(bent[0], normalise(images[:1], 0.4, 0.3)[0])
