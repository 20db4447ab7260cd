import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from cxrlt_core.decode import decode
from cxrlt_core.errors import StudyError


def radiograph(height, width, seed=0):
    """Smooth shades, an edge and noise, uint8."""
    generator = np.random.default_rng(seed)
    shades = Image.fromarray(generator.uniform(30, 220, (6, 5)).astype(np.float32))
    pixels = np.array(shades.resize((width, height), Image.Resampling.BICUBIC))
    pixels[height // 3 : height // 3 + 20] += 30
    pixels += generator.normal(0, 4, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8)


def naive(path, size):
    """Resize at full resolution."""
    image = Image.open(path).convert("L")
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)).astype(int)


def spy_draft(monkeypatch):
    scaled = []
    plain = JpegImagePlugin.JpegImageFile.draft

    def draft(self, mode, size):
        before, result = self.size, plain(self, mode, size)
        scaled.append(before[0] / self.size[0])
        return result

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", draft)
    return scaled


# 1219 is no multiple of 8: without the box the padding of the reduced image shifts the result.
@pytest.mark.parametrize(("size", "scale"), [(60, 8), (110, 4), (224, 2), (600, 1)])
def test_reduced_jpeg_is_close_to_a_full_resolution_resize(tmp_path, monkeypatch, size, scale):
    path = tmp_path / "a.jpg"
    Image.fromarray(radiograph(1219, 1001)).save(path, quality=95)
    expected = naive(path, size)
    scaled = spy_draft(monkeypatch)
    pixels = decode(path, size)
    assert round(scaled[0]) == scale
    assert pixels.dtype == np.uint8 and pixels.shape == (size, size)
    difference = np.abs(pixels - expected)
    assert difference.mean() < 0.4 and difference.max() <= 6


def test_png_is_exactly_a_full_resolution_resize(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(radiograph(300, 200)).save(path)
    np.testing.assert_array_equal(decode(path, 64), naive(path, 64))


def test_small_image_is_enlarged(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(radiograph(20, 30)).save(path)
    np.testing.assert_array_equal(decode(path, 64), naive(path, 64))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1"])
def test_other_modes_become_grey(tmp_path, mode):
    path = tmp_path / "a.png"
    Image.fromarray(radiograph(64, 64)).convert(mode).save(path)
    assert Image.open(path).mode == mode
    np.testing.assert_array_equal(decode(path, 64), naive(path, 64))


def test_transparency_is_dropped(tmp_path):
    path = tmp_path / "a.png"
    grey = radiograph(64, 64)
    Image.fromarray(np.dstack([grey, grey, grey, np.zeros_like(grey)])).save(path)
    np.testing.assert_array_equal(decode(path, 64), grey)


def test_colour_jpeg_becomes_luma(tmp_path):
    path = tmp_path / "a.jpg"
    grey = radiograph(400, 400)
    Image.fromarray(np.dstack([grey, grey, grey])).save(path, quality=95)
    assert np.abs(decode(path, 48) - naive(path, 48)).mean() < 0.5


def test_16_bit_is_stretched_over_its_own_range(tmp_path):
    path = tmp_path / "a.png"
    twelve_bits = np.linspace(100, 4095, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    Image.fromarray(twelve_bits).save(path)
    assert Image.open(path).mode.startswith("I")
    expected = (twelve_bits.astype(float) - 100) / 3995 * 255
    assert np.abs(decode(path, 64) - expected).max() <= 0.51


def test_16_bit_of_one_shade_is_black(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(np.full((8, 8), 700, np.uint16)).save(path)
    assert not decode(path, 8).any()


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_truncated_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(radiograph(300, 300)).save(path)
    cut(path, 0.6)
    with pytest.raises(StudyError, match=r"^truncated$"):
        decode(path, 32)


def test_reasons_are_short_and_without_the_path(tmp_path):
    text, folder, empty, bitmap = (tmp_path / name for name in ("t.jpg", "d.png", "e.png", "b.png"))
    text.write_text("no image")
    folder.mkdir()
    empty.touch()
    Image.fromarray(radiograph(8, 8)).save(bitmap, format="BMP")
    reasons = []
    for path in (text, folder, empty, bitmap, tmp_path / "absent.png", "nul\0.png"):
        with pytest.raises(StudyError) as refusal:
            decode(path, 32)
        reasons.append(str(refusal.value))
    not_image = "not a JPEG or PNG image"
    assert reasons == [
        not_image,
        "is a directory",
        not_image,
        not_image,
        "file not found",
        "undecodable: embedded null byte",
    ]


def test_bomb_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.fromarray(radiograph(100, 100)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(StudyError, match="too many pixels"):
        decode(path, 32)
