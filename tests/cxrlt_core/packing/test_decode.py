import numpy as np
import pytest
from pictures import decode, radiograph
from PIL import Image, ImageOps, JpegImagePlugin

FITS = ["squash", "crop", "pad"]


def naive(path, size, fit="squash"):
    """Resize at full resolution."""
    return fitted(Image.open(path).convert("L"), size, fit)


def fitted(image, size, fit):
    square, bilinear = (size, size), Image.Resampling.BILINEAR
    if fit == "crop":
        return np.asarray(ImageOps.fit(image, square, bilinear)).astype(int)
    if fit == "squash":
        return np.asarray(image.resize(square, bilinear)).astype(int)
    inner = np.asarray(ImageOps.contain(image, square, bilinear))
    top, left = ((size - side) // 2 for side in inner.shape)
    pixels = np.zeros(square, int)
    pixels[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    return pixels


def spy_draft(monkeypatch):
    scaled = []
    plain = JpegImagePlugin.JpegImageFile.draft

    def draft(self, mode, size):
        before, result = self.size, plain(self, mode, size)
        scaled.append(before[0] / self.size[0])
        return result

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "draft", draft)
    return scaled


# 1219 and 1001 are no multiples of 8: without the box the padding of the reduced image shifts the result.
@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1219, 1001), (1001, 1219), (1001, 1001)])
@pytest.mark.parametrize(("size", "scale"), [(100, 8), (200, 4), (400, 2), (900, 1)])
def test_reduced_jpeg_is_close_to_a_full_resolution_resize(tmp_path, monkeypatch, fit, shape, size, scale):
    path = tmp_path / "a.jpg"
    Image.fromarray(radiograph(*shape)).save(path, quality=95)
    expected = naive(path, size, fit)
    scaled = spy_draft(monkeypatch)
    pixels = decode(path, size, fit)
    assert round(scaled[0]) == scale
    assert pixels.dtype == np.uint8 and pixels.shape == (size, size)
    difference = np.abs(pixels - expected)
    assert difference.mean() < 0.5 and difference.max() <= 6


@pytest.mark.parametrize(("size", "scale"), [(104, 8), (105, 4), (208, 4), (209, 2)])
def test_reduced_jpeg_keeps_a_margin(tmp_path, monkeypatch, size, scale):
    path = tmp_path / "a.jpg"
    Image.fromarray(radiograph(1001, 1001)).save(path)
    scaled = spy_draft(monkeypatch)
    decode(path, size)
    assert round(scaled[0]) == scale


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(300, 200), (201, 334), (97, 97), (1, 50), (500, 5), (20, 31)])
@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_full_scale_is_exactly_a_full_resolution_resize(tmp_path, fit, shape, format):
    path = tmp_path / "a"
    Image.fromarray(radiograph(*shape)).save(path, format)
    for size in (300, 64) if format == "PNG" else (300,):
        np.testing.assert_array_equal(decode(path, size, fit), naive(path, size, fit))


def test_crop_shows_the_middle_and_pad_the_whole(tmp_path):
    path = tmp_path / "a.png"
    pixels = np.full((40, 100), 200, np.uint8)
    pixels[:, 30:70] = 50
    Image.fromarray(pixels).save(path)
    assert (decode(path, 40, "crop") == 50).all()
    padded = decode(path, 100, "pad")
    np.testing.assert_array_equal(padded[30:70], pixels)
    assert not padded[:30].any() and not padded[70:].any()


def test_other_modes_become_grey_and_transparency_is_dropped(tmp_path):
    path, grey = tmp_path / "a.png", radiograph(64, 64)
    for mode in ("RGB", "RGBA", "LA", "P", "1"):
        Image.fromarray(grey).convert(mode).save(path)
        assert Image.open(path).mode == mode
        np.testing.assert_array_equal(decode(path, 64), naive(path, 64), mode)
    Image.fromarray(np.dstack([grey, grey, grey, np.zeros_like(grey)])).save(path)
    np.testing.assert_array_equal(decode(path, 64), grey)
    colour = Image.fromarray(radiograph(400, 400)).convert("RGB")
    colour.save(tmp_path / "a.jpg", quality=95)
    assert np.abs(decode(tmp_path / "a.jpg", 48) - naive(tmp_path / "a.jpg", 48)).mean() < 0.5


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("low", "high"), [(100, 4095), (0, 65535), (40000, 40003)])
def test_16_bit_is_stretched_over_its_own_range_then_resized(tmp_path, fit, low, high):
    path = tmp_path / "a.png"
    pixels = np.random.default_rng(0).integers(low, high, (71, 94), endpoint=True).astype(np.uint16)
    pixels[0, 0], pixels[50, 60] = low, high
    Image.fromarray(pixels).save(path)
    assert Image.open(path).mode == "I;16"
    stretched = (pixels.astype(float) - low) / (high - low) * 255
    expected = fitted(Image.fromarray(np.rint(stretched).astype(np.uint8)), 40, fit)
    np.testing.assert_array_equal(decode(path, 40, fit), expected)
    Image.fromarray(np.full((8, 8), 700, np.uint16)).save(path)
    assert not decode(path, 8).any()  # one shade is black


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("fit", FITS)
def test_the_orientation_of_exif_is_applied(tmp_path, fit, orientation):
    path, exif = tmp_path / "a.jpg", Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(radiograph(60, 40)).save(path, quality=95, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(path)).convert("L")
    assert upright.size == ((40, 60) if orientation < 5 else (60, 40))
    assert np.abs(decode(path, 40, fit).astype(int) - fitted(upright, 40, fit)).max() <= 1


def test_what_sound_jpegs_hold_is_not_taken_for_damage(tmp_path):
    path, exif = tmp_path / "a.jpg", Image.Exif()
    exif[0x010E] = "text"
    comment = {"comment": b"\xff\x01\xff\xda"}
    kinds = [{"optimize": True}, {"progressive": True}, {"restart_marker_rows": 1}, comment]
    for seed, options in enumerate(kinds):
        Image.fromarray(radiograph(300, 300, seed)).save(path, quality=100, exif=exif, **options)
        path.write_bytes(path.read_bytes() + b"\xff\x01 after the end")
        decode(path, 32)
