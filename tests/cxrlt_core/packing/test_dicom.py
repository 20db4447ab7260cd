import math
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pictures import decode
from pictures import write_dicom as write
from PIL import Image
from pydicom import Dataset, uid

from cxrlt_core.system.errors import StudyError

SIDE = 64
RAMP = np.arange(SIDE * SIDE, dtype=np.uint16).reshape(SIDE, SIDE)  # all values of 12 bits


def lut(first, entries, bits):
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.add_new("LUTData", "OW", np.array(entries, "<u2").tobytes())
    return [item]


def windowed(values, *window):
    return np.vectorize(lambda value: naive_window(value, *window), otypes=[float])(values)


def naive_window(value, center, width, function="LINEAR"):
    """Return the grey of one value, PS3.3 C.11.2.1.2 and C.11.2.1.3, from 0 to 255."""
    if function == "SIGMOID":
        return 255 / (1 + math.exp(-4 * (value - center) / width))
    if function == "LINEAR":
        if value <= center - 0.5 - (width - 1) / 2:
            return 0
        if value > center - 0.5 + (width - 1) / 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255
    if value <= center - width / 2:
        return 0
    if value > center + width / 2:
        return 255
    return ((value - center) / width + 0.5) * 255


def check(path, expected):
    """Hold the file at its own size against grey levels not yet rounded."""
    assert np.abs(decode(path, SIDE) - np.asarray(expected, float)).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("bits", "signed", "slope", "intercept", "center", "width", "function"),
    [
        (12, False, None, None, 2048, 4096, "LINEAR"),
        (12, False, None, None, 2047.5, 300, "LINEAR"),
        (12, False, None, None, 1000, 1, "LINEAR"),
        (12, False, None, None, -500, 20000, "LINEAR"),  # far wider than the pixels
        (10, False, 1, 0, 512, 700, "LINEAR"),
        (16, False, 2, -1024, 40, 400, "LINEAR"),
        (16, False, -1, 4095, 3000, 900, "LINEAR"),
        (16, True, None, None, -300, 1500, "LINEAR"),
        (12, True, 0.5, 10, 100, 800, "LINEAR"),
        (12, False, None, None, 2048, 1000, "LINEAR_EXACT"),
        (12, False, None, None, 2048, 1000, "SIGMOID"),
        (12, False, None, None, [2000, 100], [900, 50], "LINEAR"),  # the first of several counts
    ],
)
def test_window(tmp_path, bits, signed, slope, intercept, center, width, function):
    pixels = RAMP.astype(np.int16) - np.int16(2048) if signed else RAMP & np.uint16(2**bits - 1)
    rescale = {} if slope is None else {"RescaleSlope": slope, "RescaleIntercept": intercept}
    window = {"WindowCenter": center, "WindowWidth": width, "VOILUTFunction": function}
    write(tmp_path / "a.dcm", pixels, bits, **rescale, **window)
    values = pixels.astype(float) * (slope or 1) + (intercept or 0)
    check(tmp_path / "a.dcm", windowed(values, *(np.ravel(w)[0] for w in (center, width)), function))


@pytest.mark.parametrize("window", [{}, {"WindowCenter": "", "WindowWidth": ""}, {"WindowWidth": 400}])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_without_window_the_own_range_is_stretched(tmp_path, window, dtype):
    pixels = (RAMP // 3 + 200).astype(dtype) - dtype(150)
    write(tmp_path / "a.dcm", pixels, 12, RescaleSlope=2, RescaleIntercept=-7, **window)
    check(tmp_path / "a.dcm", (pixels - 50.0) / (4095 // 3) * 255)


def test_monochrome1_is_inverted_behind_the_window_and_one_shade_is_black(tmp_path):
    window = {"WindowCenter": 1500, "WindowWidth": 1000}
    write(tmp_path / "1.dcm", RAMP, 12, PhotometricInterpretation="MONOCHROME1", **window)
    write(tmp_path / "2.dcm", RAMP, 12, **window)
    write(tmp_path / "3.dcm", np.full((SIDE, SIDE), 700, np.uint16), 12)
    inverted, plain, shade = (decode(tmp_path / f"{n}.dcm", SIDE) for n in (1, 2, 3))
    np.testing.assert_array_equal(inverted, 255 - plain)
    assert not shade.any()


def test_voi_lut_goes_before_the_window(tmp_path):
    entries = (np.arange(1000) ** 2 // 250).tolist()  # up to 3992 of 12 bits
    window = {"WindowCenter": 10, "WindowWidth": 20}
    write(tmp_path / "a.dcm", RAMP, 12, VOILUTSequence=lut(500, entries, 12), **window)
    check(tmp_path / "a.dcm", np.array(entries)[(RAMP.astype(int) - 500).clip(0, 999)] / 4095 * 255)


def test_voi_lut_follows_the_rescale_of_signed_pixels(tmp_path):
    entries = np.linspace(0, 255, 4096).astype(int).tolist()
    pixels = RAMP.astype(np.int16) - np.int16(2048)
    rescale = {"RescaleSlope": 1, "RescaleIntercept": 100}
    write(tmp_path / "a.dcm", pixels, 12, VOILUTSequence=lut(-1948, entries, 8), **rescale)
    check(tmp_path / "a.dcm", np.array(entries)[RAMP])


def test_modality_lut_goes_before_the_window(tmp_path):
    entries = (60000 - np.arange(4096) * 10).tolist()
    modality = {"ModalityLUTSequence": lut(0, entries, 16)}
    write(tmp_path / "a.dcm", RAMP, 12, **modality, WindowCenter=30000, WindowWidth=20000)
    expected = windowed(np.array(entries)[RAMP], 30000, 20000)
    check(tmp_path / "a.dcm", expected)


@pytest.mark.parametrize("kind", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_and_out_of_the_range(tmp_path, kind):
    pixels = 1000 + RAMP // 4
    pixels[:8], pixels[8:12] = 0, 3
    padding = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 5}
    write(tmp_path / "a.dcm", pixels, 12, PhotometricInterpretation=kind, **padding)
    inner = pixels[12:].astype(float)
    expected = (inner - inner.min()) / (inner.max() - inner.min()) * 255
    expected = 255 - expected if kind == "MONOCHROME1" else expected
    check(tmp_path / "a.dcm", np.vstack([np.zeros((12, SIDE)), expected]))


def test_signed_padding(tmp_path):
    pixels = RAMP.astype(np.int16) // 4
    pixels[0] = -2000
    write(tmp_path / "a.dcm", pixels, 12, PixelPaddingValue=-2000)
    assert not decode(tmp_path / "a.dcm", SIDE)[0].any()
    check(tmp_path / "a.dcm", np.vstack([np.zeros((1, SIDE)), (pixels[1:] - 16) / (1023 - 16) * 255]))


def test_bits_above_those_stored_are_ignored(tmp_path):
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    write(tmp_path / "clean.dcm", RAMP, 12, **window)
    write(tmp_path / "overlay.dcm", RAMP | 0xA000, 12, **window)
    clean, overlay = (decode(tmp_path / name, SIDE) for name in ("clean.dcm", "overlay.dcm"))
    np.testing.assert_array_equal(clean, overlay)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize("high", [12, 15])
def test_bits_are_taken_from_below_the_high_bit(tmp_path, dtype, high):
    pixels, low = (RAMP - (2048 if dtype is np.int16 else 0)).astype(dtype), high - 11
    window = {"WindowCenter": 1000, "WindowWidth": 1500, "PixelPaddingValue": 5}
    write(tmp_path / "a.dcm", pixels, 12, **window)
    write(tmp_path / "b.dcm", (pixels << low) | dtype(2**low - 1), 12, HighBit=high, **window)
    usual, shifted = (decode(tmp_path / name, SIDE) for name in ("a.dcm", "b.dcm"))
    np.testing.assert_array_equal(usual, shifted)
    assert len(np.unique(usual)) == 256


@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL"])
def test_colour_becomes_luma(tmp_path, kind):
    rgb = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    stored = np.asarray(Image.fromarray(rgb).convert("YCbCr")) if kind == "YBR_FULL" else rgb
    write(tmp_path / "a.dcm", stored, PhotometricInterpretation=kind)
    difference = decode(tmp_path / "a.dcm", SIDE).astype(int) - np.asarray(Image.fromarray(rgb).convert("L"))
    assert np.abs(difference).max() <= (1 if kind == "YBR_FULL" else 0)


def encoded(pixels, format, **options):
    content = BytesIO()
    Image.fromarray(pixels).save(content, format, **options)
    return content.getvalue()


def test_eight_bits_and_a_jpeg_of_them(tmp_path):
    pixels = (RAMP // 16).astype(np.uint8)
    content = encoded(pixels, "JPEG", quality=95)
    window = {"WindowCenter": 128, "WindowWidth": 256}
    write(tmp_path / "a.dcm", pixels, **window)
    np.testing.assert_array_equal(decode(tmp_path / "a.dcm", SIDE), pixels)
    write(tmp_path / "a.dcm", pixels, syntax=uid.JPEGBaseline8Bit, content=content, **window)
    np.testing.assert_array_equal(decode(tmp_path / "a.dcm", SIDE), np.asarray(Image.open(BytesIO(content))))


@pytest.mark.parametrize("kind", ["big endian", "JPEG 2000", "run lengths", "the name of a PNG"])
def test_every_coding_of_the_same_pixels_is_read(tmp_path, kind):
    path = tmp_path / ("a.png" if kind == "the name of a PNG" else "a.dcm")
    if kind == "big endian":
        write(path, RAMP.byteswap(), 12, uid.ExplicitVRBigEndian)
    elif kind == "JPEG 2000":
        content = encoded(RAMP * 16, "JPEG2000", irreversible=False, no_jp2=True)
        write(path, RAMP, 16, uid.JPEG2000Lossless, content)
    else:
        dataset = write(path, RAMP, 12)
    if kind == "run lengths":
        dataset.compress(uid.RLELossless)
        dataset.save_as(path, enforce_file_format=True)
    check(path, RAMP / 4095 * 255)


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
def test_shape_is_fitted_like_that_of_a_png(tmp_path, fit):
    pixels = np.random.default_rng(0).integers(0, 256, (97, 61), dtype=np.uint8)
    write(tmp_path / "a.dcm", pixels, WindowCenter=128, WindowWidth=256)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    shown, expected = (decode(tmp_path / name, 32, fit) for name in ("a.dcm", "a.png"))
    np.testing.assert_array_equal(shown, expected)


@pytest.mark.parametrize(
    ("syntax", "name", "package"),
    [
        (uid.JPEGExtended12Bit, "JPEG Extended", "libjpeg"),
        (uid.JPEGLSLossless, "JPEG-LS Lossless Image Compression", "libjpeg"),
        (uid.HTJ2KLossless, "High-Throughput JPEG 2000 Image Compression", "openjpeg"),
    ],
)
def test_compression_is_named_with_the_package_that_it_needs(tmp_path, syntax, name, package):
    write(tmp_path / "a.dcm", RAMP, 12, syntax, b"\xff\xd8\xff\xd9")
    with pytest.raises(StudyError, match=rf"^undecodable DICOM: {name}, .* pylibjpeg pylibjpeg-{package}$"):
        decode(tmp_path / "a.dcm", SIDE)


def test_pydicom_is_loaded_only_for_a_dicom_file(tmp_path):
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    code = (
        "import sys; from cxrlt_core.packing.decode import Geometry, decode; "
        "decode(sys.argv[1], Geometry(8, 'pad')); print([*sys.modules])"
    )
    command = [sys.executable, "-c", code, tmp_path / "a.png"]
    root = Path(__file__).parents[3]
    loaded = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert "'PIL.Image'" in loaded.stdout and "'pydicom'" not in loaded.stdout
